package livetranscode

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxElements bounds the list elements of one response. The largest page that the service documents has 100; without
// a bound, 8 MiB of "{}," would take 500 MiB.
const maxElements = 10_000

const byteOrderMark = "\xef\xbb\xbf"

var (
	errNotObject       = errors.New("is not an object")
	errTooManyElements = errors.New("has more than " + strconv.Itoa(maxElements) + " list elements")
)

// decodeOptions accept what is malformed but readable rather than lose a response.
var decodeOptions = json.JoinOptions(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))

// A decoder decodes JSON as the service writes it, by the json tags of the structs it decodes into. Package json
// would do that too, but reports a value of an unexpected type as an error. Here no such value loses what stands
// around it: it becomes what decoding an absent field leaves, see [decoder.value]. Only text that is not a JSON object
// is an error; what was decoded before a syntax error is kept.
//
// Duplicate fields: the last one wins. null is ignored.
type decoder struct {
	*jsontext.Decoder
	input    bytes.Buffer
	elements int // decoded so far
	interned internTable
}

var decoders = sync.Pool{New: func() any {
	d := new(decoder)
	d.Decoder = jsontext.NewDecoder(&d.input, decodeOptions)
	return d
}}

// decode decodes text, one JSON object, into the struct that out points to.
func decode(text []byte, out any) error {
	d := decoders.Get().(*decoder)
	d.reset(bytes.TrimPrefix(text, []byte(byteOrderMark)))
	defer func() {
		d.reset(nil)
		decoders.Put(d)
	}()
	err := d.document(reflect.ValueOf(out).Elem())
	if errors.Is(err, io.EOF) { // in the text it is never expected
		err = io.ErrUnexpectedEOF
	}
	return err
}

// unmarshal implements UnmarshalJSON by decode. What was in out is replaced, if there is no error.
func unmarshal[T any](text []byte, out *T) error {
	if string(text) == "null" {
		text = []byte("{}")
	}
	var read T
	if err := decode(text, &read); err != nil {
		return fmt.Errorf("livetranscode: %T: the JSON %w", read, err)
	}
	*out = read
	return nil
}

// reset makes text, which must not change, what is decoded next. Of the text before it only interned strings stay.
func (d *decoder) reset(text []byte) {
	d.input, d.elements = *bytes.NewBuffer(text), 0
	d.Reset(&d.input, decodeOptions)
}

// document decodes the whole text.
func (d *decoder) document(v reflect.Value) error {
	if d.PeekKind() != '{' {
		if err := d.SkipValue(); err != nil {
			return err
		}
		return errNotObject
	}
	if err := structInfoOf(v.Type()).object(d, v); err != nil {
		return err
	}
	end := d.InputOffset()
	switch _, err := d.ReadToken(); {
	case err == nil:
		return &jsontext.SyntacticError{ByteOffset: end, Err: errors.New("another value follows")}
	case !errors.Is(err, io.EOF):
		return err
	}
	return nil
}

// A decodeFunc decodes one value. Numbers may be quoted, and where text belongs a number is its text. Any other value
// of an unexpected type decodes like an absent field: a list, a struct or a text is empty, an enum unknown, a time
// zero.
type decodeFunc func(d *decoder, v reflect.Value) error

// decodeFuncOf returns the function for a type of value.
func decodeFuncOf(t reflect.Type, intern bool) decodeFunc {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return scalar(setTime)
	case t == reflect.TypeFor[allStrings]():
		return scalar(appendString)
	case t == reflect.TypeFor[anyString]():
		return scalar(setAnyString)
	case t.Kind() == reflect.String && intern:
		return scalar(setInterned)
	case t.Kind() == reflect.String:
		return scalar(setString)
	case t.Kind() == reflect.Int, t.Kind() == reflect.Float64:
		return scalar(setNumber)
	case t.Kind() == reflect.Slice:
		return container('[', listOf(t.Elem()), emptyValue(t))
	case t.Kind() == reflect.Pointer:
		return container('{', pointerTo(t.Elem()), emptyValue(t))
	case t.Kind() == reflect.Struct:
		return container('{', structInfoOf(t).object, emptyValue(t))
	}
	panic("livetranscode: cannot decode a " + t.String())
}

// scalar returns the decodeFunc of a type that is not decoded from objects and arrays.
func scalar(set func(d *decoder, v reflect.Value, value jsontext.Value) error) decodeFunc {
	return func(d *decoder, v reflect.Value) error {
		value, err := d.ReadValue()
		if err != nil || value[0] == 'n' {
			return err
		}
		return set(d, v, value)
	}
}

// container returns the decodeFunc of a type that is decoded from objects or arrays, which begin with a token of kind
// begin.
func container(begin jsontext.Kind, decode decodeFunc, empty reflect.Value) decodeFunc {
	return func(d *decoder, v reflect.Value) error {
		switch d.PeekKind() {
		case begin:
			return decode(d, v)
		case 'n':
		default:
			v.Set(empty)
		}
		return d.SkipValue()
	}
}

// A structInfo says how to decode objects into a struct type.
type structInfo struct {
	empty   reflect.Value     // what an object without fields decodes into
	ordered []*field          // in the order of the struct
	fields  map[string]*field // by name
	folded  map[string]*field // by folded name, of the fields whose tag has case:ignore
}

type field struct {
	name   string
	index  []int
	decode decodeFunc
}

var structInfos sync.Map // reflect.Type to *structInfo

func structInfoOf(t reflect.Type) *structInfo {
	if info, ok := structInfos.Load(t); ok {
		return info.(*structInfo)
	}
	info := &structInfo{empty: emptyValue(t), fields: make(map[string]*field), folded: make(map[string]*field)}
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous || !f.IsExported() {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		field := &field{name, f.Index, decodeFuncOf(f.Type, isInterned(t, f.Name))}
		info.ordered = append(info.ordered, field)
		info.fields[name] = field
		if options == "case:ignore" {
			field.decode = keepingValue(field.decode)
			info.folded[foldName([]byte(name))] = field
		}
	}
	structInfos.Store(t, info)
	return info
}

// element decodes an element of a list. What is not an object, such as null, is an empty one.
func (s *structInfo) element(d *decoder, v reflect.Value) error {
	if d.PeekKind() == '{' {
		return s.object(d, v)
	}
	v.Set(s.empty)
	return d.SkipValue()
}

// object decodes an object.
func (s *structInfo) object(d *decoder, v reflect.Value) error {
	v.Set(s.empty)
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for n := 0; d.PeekKind() != '}'; n++ {
		name, err := d.ReadValue()
		if err != nil {
			return err
		}
		if f := s.field(name, n); f != nil { // name is lost with the next call of d
			err = f.decode(d, v.FieldByIndex(f.index))
		} else {
			err = d.SkipValue()
		}
		if err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// field returns the field of a quoted name, the object's nth, or nil. Most often it is the struct's nth field.
func (s *structInfo) field(quoted jsontext.Value, n int) *field {
	name := quoted[1 : len(quoted)-1]
	if n < len(s.ordered) && s.ordered[n].name == string(name) {
		return s.ordered[n]
	}
	if bytes.IndexByte(name, '\\') >= 0 {
		name = unquote(quoted)
	}
	if f := s.fields[string(name)]; f != nil {
		return f
	}
	return s.folded[foldName(name)]
}

// pointerTo returns a function that decodes an object into a new struct.
func pointerTo(elem reflect.Type) decodeFunc {
	info := structInfoOf(elem)
	return func(d *decoder, v reflect.Value) error {
		v.Set(reflect.New(elem))
		return info.object(d, v.Elem())
	}
}

// listOf returns a function that decodes an array of objects into a slice of structs, or of pointers to structs, none
// of them nil.
func listOf(elem reflect.Type) decodeFunc {
	pointers := elem.Kind() == reflect.Pointer
	if pointers {
		elem = elem.Elem()
	}
	info := structInfoOf(elem)
	return func(d *decoder, v reflect.Value) error {
		if _, err := d.ReadToken(); err != nil {
			return err
		}
		v.SetZero()
		v.Grow(1) // so that an empty list is not nil
		for n := 0; d.PeekKind() != ']'; n++ {
			if d.elements++; d.elements > maxElements {
				return errTooManyElements
			}
			v.Grow(1)
			v.SetLen(n + 1)
			element := v.Index(n)
			if pointers {
				element.Set(reflect.New(elem))
				element = element.Elem()
			}
			if err := info.element(d, element); err != nil {
				return err
			}
		}
		_, err := d.ReadToken()
		return err
	}
}

// isInterned reports whether the texts of a field are few, or the same in each poll of a job. URLs of streams hold
// keys.
func isInterned(t reflect.Type, name string) bool {
	switch t {
	case reflect.TypeFor[Job](), reflect.TypeFor[StreamInput](), reflect.TypeFor[StreamInfo]():
		return !strings.HasSuffix(name, "URL")
	}
	return false
}

// isEnum reports whether a type is an enum: a named integer type, in which 0 is a value like another.
func isEnum(t reflect.Type) bool { return t.Kind() == reflect.Int && t != reflect.TypeFor[int]() }

// emptyValue returns what an absent field has: -1, which means unknown, for an enum, else the zero value.
func emptyValue(t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	if isEnum(t) {
		v.SetInt(-1)
	}
	if t.Kind() == reflect.Struct {
		for _, f := range reflect.VisibleFields(t) {
			if f.IsExported() && !f.Anonymous {
				v.FieldByIndex(f.Index).Set(emptyValue(f.Type))
			}
		}
	}
	return v
}

// foldName returns a name without what its spellings differ in: case, hyphens and underscores. No name that is decoded
// is longer than 32 bytes.
func foldName(name []byte) string {
	var buf [32]byte
	folded := buf[:0]
	for _, c := range name {
		switch {
		case c == '-' || c == '_':
		case len(folded) == len(buf):
			return ""
		case 'A' <= c && c <= 'Z':
			folded = append(folded, c|0x20)
		default:
			folded = append(folded, c)
		}
	}
	return string(folded)
}
