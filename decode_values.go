package livetranscode

import (
	"bytes"
	"hash/crc32"
	"io"
	"math"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

func setString(d *decoder, v reflect.Value, value jsontext.Value) error {
	text, err := d.text(value)
	v.SetString(string(text))
	return err
}

func setInterned(d *decoder, v reflect.Value, value jsontext.Value) error {
	if value[0] != '"' {
		return setString(d, v, value)
	}
	text, known := d.interned.find(value[1 : len(value)-1])
	if !known {
		text = d.interned.add(unquote(value))
	}
	v.SetString(text)
	return nil
}

// text returns a value as text.
func (d *decoder) text(value jsontext.Value) ([]byte, error) {
	switch value.Kind() {
	case '"':
		return unquote(value), nil
	case '0':
		if len(d.UnreadBuffer()) == 0 { // there may have been more digits
			return nil, io.ErrUnexpectedEOF
		}
		return value, nil
	default:
	}
	return nil, nil
}

// unquote returns the text of a quoted string or name. What is not UTF-8 is replaced.
func unquote(quoted jsontext.Value) []byte {
	raw := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
		return raw
	}
	text, _ := jsontext.AppendUnquote(nil, quoted) // whose error says what was replaced
	return text
}

// anyString is a text field that keeps a value of another type as it is written, to be shown in an error.
type anyString string

func setAnyString(_ *decoder, v reflect.Value, value jsontext.Value) error {
	if value[0] == '"' {
		value = unquote(value)
	}
	v.SetString(string(value))
	return nil
}

// allStrings has a text for each time that its field occurs.
type allStrings []string

func appendString(_ *decoder, v reflect.Value, value jsontext.Value) error {
	if value[0] == '"' {
		value = unquote(value)
	}
	v.Set(reflect.Append(v, reflect.ValueOf(string(value))))
	return nil
}

// keepingValue returns the decodeFunc of a field that may occur in several spellings: an empty one does not replace
// another.
func keepingValue(decode decodeFunc) decodeFunc {
	return func(d *decoder, v reflect.Value) error {
		if v.IsZero() {
			return decode(d, v)
		}
		before := reflect.New(v.Type()).Elem()
		before.Set(v)
		err := decode(d, v)
		if v.IsZero() || v.Kind() == reflect.Pointer && v.Elem().IsZero() {
			v.Set(before)
		}
		return err
	}
}

// setNumber decodes a number, or an enum, which is a whole number.
func setNumber(_ *decoder, v reflect.Value, value jsontext.Value) error {
	switch n, ok := number(value); {
	case v.Kind() == reflect.Float64:
		v.SetFloat(n)
	case ok && (!isEnum(v.Type()) || n == math.Trunc(n)):
		v.SetInt(int64(n))
	default:
		v.Set(emptyValue(v.Type()))
	}
	return nil
}

// number decodes a number, quoted or not. One that does not fit an int on every platform is no number.
func number(value jsontext.Value) (f float64, ok bool) {
	if len(value) == 1 && '0' <= value[0] && value[0] <= '9' { // most often a status
		return float64(value[0] - '0'), true
	}
	if value[0] == '"' {
		value = unquote(value)
	}
	f, err := strconv.ParseFloat(string(value), 64)
	if err != nil || !(math.Abs(f) <= math.MaxInt32) { // NaN is not, either
		return 0, false
	}
	return f, true
}

func setTime(_ *decoder, v reflect.Value, value jsontext.Value) error {
	t := v.Addr().Interface().(*time.Time)
	*t = time.Time{}
	if value[0] == '"' {
		*t = parseTime(string(unquote(value)))
	}
	return nil
}

// timeLayouts are the forms of a time: RFC 3339, which time.Parse reads with or without a fraction, and the same
// without seconds, without offset, or both. Without an offset it is UTC.
var timeLayouts = [...]string{
	time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04",
}

// parseTime returns a time of the service in UTC, or the zero time. In UTC the year may be one that cannot be encoded
// as JSON: then a copy of the job could not be stored.
func parseTime(s string) time.Time {
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			if t = t.UTC(); 0 <= t.Year() && t.Year() <= 9999 {
				return t
			}
		}
	}
	return time.Time{}
}

// An internTable has texts that were decoded before. The names and ids of jobs recur in every response: the table
// returns the text that was allocated the first time. A slot holds two texts, the more recent first. Long texts are not
// interned, and secrets must not be.
type internTable [256][2]string

// find returns the interned text of a JSON string without its quotes. No interned text has a backslash, so a string
// that is found needs no unquoting.
func (t *internTable) find(raw []byte) (text string, ok bool) {
	slot := t.slot(raw)
	switch { // a switch on string(raw) would allocate it
	case string(raw) == slot[0]:
	case string(raw) == slot[1]:
		slot[0], slot[1] = slot[1], slot[0]
	default:
		return "", false
	}
	return slot[0], true
}

// add interns a text, unless it is long or has a backslash.
func (t *internTable) add(text []byte) string {
	if known, ok := t.find(text); ok { // setInterned does not find an escaped string
		return known
	}
	if len(text) > 256 || bytes.IndexByte(text, '\\') >= 0 {
		return string(text)
	}
	slot := t.slot(text)
	slot[0], slot[1] = string(text), slot[0]
	return slot[0]
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (t *internTable) slot(text []byte) *[2]string {
	return &t[crc32.Checksum(text, castagnoli)%uint32(len(t))]
}

// unmarshalEnum implements UnmarshalJSON of an enum.
func unmarshalEnum[E ~int](text []byte, e *E) error {
	*e = -1
	if n, ok := number(text); ok && n == math.Trunc(n) {
		*e = E(n)
	}
	return nil
}
