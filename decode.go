package livetranscode

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/livetranscode/livetranscode-go/internal/redact"
)

// jsonOptions accept what is odd but readable rather than lose an answer.
var jsonOptions = json.JoinOptions(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))

// A decoder reads JSON as the service writes it, in one pass and straight into the fields it is for. The syntax
// is package jsontext's; what the names mean is the objects' own. Of a member that comes twice the later counts,
// and null is as if it were not there.
type decoder struct {
	*jsontext.Decoder
	input bytes.Buffer
	room  []byte         // of a string that stands otherwise than it reads
	kept  [128][2]string // texts that keep has seen: two to a place, the later first

	oddDate string  // a text that should be a date, and is none
	oddID   *string // the id of what has it
}

// An object is what a JSON object is read into.
type object interface {
	// member reads the value of one member. For a name that means nothing it returns errNoMember and reads nothing:
	// the name is lost with the next look at the input.
	member(d *decoder, name []byte) error
}

var errNoMember = errors.New("no such member")

var decoders = sync.Pool{New: func() any {
	d := new(decoder)
	d.Decoder = jsontext.NewDecoder(&d.input, jsonOptions)
	return d
}}

// newDecoder returns a decoder of a text, which must stay as it is until the decoder is released.
func newDecoder(text []byte) *decoder {
	d := decoders.Get().(*decoder)
	d.input = *bytes.NewBuffer(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
	return d
}

// release gives the decoder back. Of the text it keeps what keep has kept, and nothing else.
func (d *decoder) release() {
	d.input, d.room, d.oddDate, d.oddID = bytes.Buffer{}, nil, "", nil // strings with escapes are rare
	d.Reset(&d.input, jsonOptions)
	decoders.Put(d)
}

// unmarshal is the UnmarshalJSON of an object.
func unmarshal(text []byte, o object) error {
	d := newDecoder(text)
	defer d.release()
	return d.document(o)
}

// document reads the whole text, which is to be one object.
func (d *decoder) document(o object) error {
	switch err := d.object(o); {
	case errors.Is(err, io.EOF): // there is no text, which is not the end of one
		return io.ErrUnexpectedEOF
	case err != nil:
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

// open reads the beginning of an object or array. It reports false for null.
func (d *decoder) open(begin jsontext.Kind) (ok bool, err error) {
	switch d.PeekKind() {
	case begin:
		_, err = d.ReadToken()
		return err == nil, err
	case 'n':
		return false, d.SkipValue()
	default:
		return false, d.wrongType()
	}
}

// object reads an object.
func (d *decoder) object(o object) error {
	if ok, err := d.open('{'); !ok {
		return err
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadValue()
		if err != nil {
			return err
		}
		err = o.member(d, name[1:len(name)-1])
		if errors.Is(err, errNoMember) && bytes.IndexByte(name, '\\') >= 0 {
			err = o.member(d, d.unquote(name))
		}
		if errors.Is(err, errNoMember) {
			err = d.SkipValue()
		}
		if err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// readObject reads an object into a new T.
func readObject[T any, P interface {
	*T
	object
}](d *decoder, o *P) error {
	if d.PeekKind() == 'n' {
		return d.SkipValue()
	}
	*o = new(T)
	return d.object(*o)
}

// readArray reads an array, each element by a function of its own.
func readArray[T any](d *decoder, array *[]T, element func(*decoder, *T) error) error {
	if ok, err := d.open('['); !ok {
		return err
	}
	*array = []T{}
	for d.PeekKind() != ']' {
		*array = append(*array, *new(T))
		if err := element(d, &(*array)[len(*array)-1]); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// A typeError says where a value of another type is expected.
type typeError struct{ pointer jsontext.Pointer }

func (e *typeError) Error() string { return "livetranscode: the JSON " + e.what() }

func (e *typeError) what() string {
	if e.pointer == "" {
		return "is of the wrong type"
	}
	return "has a value of the wrong type at " + redact.Truncate(redact.OneLine(string(e.pointer)), 80)
}

// wrongType reads a value that cannot be used.
func (d *decoder) wrongType() error {
	if _, err := d.ReadValue(); err != nil {
		return err
	}
	return &typeError{d.StackPointer()}
}

// unquote returns the bytes of a string without quotes and escapes, valid until the next read. What is not UTF-8
// is replaced.
func (d *decoder) unquote(quoted jsontext.Value) []byte {
	if raw := quoted[1 : len(quoted)-1]; isPlain(raw) {
		return raw
	}
	d.room, _ = jsontext.AppendUnquote(d.room[:0], quoted) // whose error tells what was replaced
	return d.room
}

// isPlain reports whether a string stands in JSON as it reads.
func isPlain(raw []byte) bool { return bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) }

// quoted reads a string as it stands; nil for null.
func (d *decoder) quoted() (jsontext.Value, error) {
	value, err := d.ReadValue()
	switch {
	case err != nil:
		return nil, err
	case value[0] == 'n':
		return nil, nil
	case value[0] != '"':
		return nil, &typeError{d.StackPointer()}
	}
	return value, nil
}

// text reads a string.
func (d *decoder) text(s *string) error {
	value, err := d.quoted()
	if value != nil {
		*s = string(d.unquote(value))
	}
	return err
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// keep is text for what is read again and again, since many jobs have it in common, or one job is polled: it gives
// out the string that it made before. It keeps no long ones. Nothing secret is to be read so.
func (d *decoder) keep(s *string) error {
	value, err := d.quoted()
	if value == nil {
		return err
	}
	raw := value[1 : len(value)-1]
	if len(raw) > 256 {
		*s = string(d.unquote(value))
		return nil
	}
	place := &d.kept[crc32.Checksum(raw, castagnoli)%uint32(len(d.kept))]
	switch { // a switch on string(raw) would make it
	case string(raw) == place[0]:
	case string(raw) == place[1]:
		place[0], place[1] = place[1], place[0]
	case isPlain(raw):
		place[0], place[1] = string(raw), place[0]
	default:
		*s = string(d.unquote(value))
		return nil
	}
	*s = place[0]
	return nil
}

// loose reads any value: a string as what it reads, the rest as it stands.
func (d *decoder) loose(s *string) error {
	value, err := d.ReadValue()
	if err == nil && value[0] != 'n' {
		*s = d.looseText(value)
	}
	return err
}

func (d *decoder) looseText(value jsontext.Value) string {
	if value[0] == '"' {
		return string(d.unquote(value))
	}
	return string(value)
}

// readInt reads a whole number, quoted or not.
func readInt[I ~int](d *decoder, n *I) error {
	value, err := d.ReadValue()
	if err == nil && value[0] != 'n' && unmarshalEnum(value, n) != nil {
		err = &typeError{d.StackPointer()}
	}
	return err
}

// looseFloat reads a number, quoted or not. Anything else is 0.
func (d *decoder) looseFloat(f *float64) error {
	value, err := d.ReadValue()
	if err != nil || value[0] == 'n' {
		return err
	}
	n, err := strconv.ParseFloat(d.looseText(value), 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		n = 0
	}
	*f = n
	return nil
}

// looseInt reads a whole number, quoted or not. A fraction is cut off; anything else is 0.
func (d *decoder) looseInt(n *int) error {
	f := float64(*n)
	err := d.looseFloat(&f)
	if math.Abs(f) >= math.MaxInt32 {
		f = 0
	}
	*n = int(f)
	return err
}

// date reads a time. What is none, whatever it is, becomes the zero time, and is remembered with the id of what
// has it.
func (d *decoder) date(t *time.Time, id *string) error {
	value, err := d.ReadValue()
	if err != nil || value[0] == 'n' {
		return err
	}
	if d.oddID == id { // it comes twice
		d.oddDate = ""
	}
	if value[0] == '"' && t.UnmarshalText(value[1:len(value)-1]) == nil { // the usual form
		*t = t.UTC()
		return nil
	}
	text := d.looseText(value)
	var ok bool
	if *t, ok = parseTime(text); !ok {
		d.oddDate, d.oddID = text, id
	}
	return nil
}

// timeLayouts are the forms of a date: RFC 3339, which time.Parse reads with or without a fraction, and the
// same without seconds, without offset, or both. Without an offset it is UTC.
var timeLayouts = [...]string{
	time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04",
}

// parseTime reads a date of the service. No text is no date, and not an odd one.
func parseTime(s string) (t time.Time, ok bool) {
	if s == "" {
		return time.Time{}, true
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// fold returns a name without what the spellings of it differ in: case, hyphens and underscores. No name that means
// something is longer than 32 bytes.
func fold(name []byte) string {
	var room [32]byte
	folded := room[:0]
	for _, c := range name {
		switch {
		case len(folded) == len(room):
			return ""
		case c == '-' || c == '_':
		case 'A' <= c && c <= 'Z':
			folded = append(folded, c|0x20)
		default:
			folded = append(folded, c)
		}
	}
	return string(folded)
}

// unmarshalEnum reads an enum as the service may write it: 1, "1", or null for -1.
func unmarshalEnum[E ~int](b []byte, e *E) error {
	if string(b) == "null" {
		*e = -1
		return nil
	}
	if len(b) > 2 && b[0] == '"' && b[len(b)-1] == '"' {
		b = b[1 : len(b)-1]
	}
	n, err := strconv.Atoi(string(b))
	if err != nil {
		return fmt.Errorf("%T is not a whole number", *e)
	}
	*e = E(n)
	return nil
}
