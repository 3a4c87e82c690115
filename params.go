package livetranscode

import (
	"reflect"
	"unicode/utf8"

	"github.com/google/go-querystring/query"

	"github.com/livetranscode/livetranscode-go/internal/acs3"
)

// params are the parameters of an operation.
type params interface {
	// validate names an invalid field and says what is wrong with it; "" if all are valid.
	validate() (field, reason string)
}

// encodeParams validates the parameters of an operation and encodes them as a canonical query. id is the value of the
// parameter idName. The error is a *ParamError.
func encodeParams(operation, idName string, in params) (encoded, id string, err error) {
	field, reason := in.validate()
	if field != "" {
		return "", "", &ParamError{Operation: operation, Field: field, Reason: reason}
	}
	if p, ok := in.(*idParam); ok { // needs no reflection
		return acs3.EncodeParam(p.name, p.id), p.id, nil
	}
	if field := invalidText(reflect.ValueOf(in).Elem()); field != "" {
		return "", "", &ParamError{Operation: operation, Field: field, Reason: notUTF8}
	}
	values, err := query.Values(in)
	if err != nil {
		return "", "", &ParamError{Operation: operation, Field: "request", Reason: "cannot be encoded: " + err.Error()}
	}
	return acs3.EncodeQuery(values), values.Get(idName), nil
}

// notUTF8 is the reason to refuse a text that the service would not read as it was signed.
const notUTF8 = "is not valid UTF-8"

// invalidText returns the path of a field with text that is not valid UTF-8, or "". Unexported fields are not sent, and
// not the caller's to lend: those of a time.Time lead to the shared data of its zone.
func invalidText(v reflect.Value) string {
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		if !v.Type().Field(i).IsExported() {
			continue
		}
		if f.Kind() == reflect.Pointer {
			f = f.Elem() // invalid if nil
		}
		switch f.Kind() {
		case reflect.String:
			if !utf8.ValidString(f.String()) {
				return name
			}
		case reflect.Struct:
			if inner := invalidText(f); inner != "" {
				return name + "." + inner
			}
		default:
		}
	}
	return ""
}

// An idParam is the only parameter of an operation on one job or template.
type idParam struct {
	field, name string // in Go, and on the wire
	id          string
}

func jobParam(id string) *idParam      { return &idParam{"JobID", "JobId", id} }
func templateParam(id string) *idParam { return &idParam{"TemplateID", "TemplateId", id} }

func (p *idParam) validate() (field, reason string) {
	switch {
	case p.id == "":
		return p.field, "is empty"
	case !utf8.ValidString(p.id):
		return p.field, notUTF8
	}
	return "", ""
}

// maxPageSize is the largest page that the service documents.
const maxPageSize = 100

// defaultPageSize is the page size that the service documents for a request without one.
const defaultPageSize = 10

func validatePage(no, size int) (field, reason string) {
	switch {
	case no < 0:
		return "PageNo", "is negative"
	case size < 0 || size > maxPageSize:
		return "PageSize", "is outside 1-100"
	}
	return "", ""
}
