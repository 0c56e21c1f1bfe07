package mlflow

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/atelier-ml/atelier"
)

// toJSON is value, which is plain data, as JSON.
func toJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic("mlflow: an answer is plain data: " + err.Error())
	}
	return string(text)
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	text := writers.Get().(*writer)
	defer text.release()
	if write, ok := value.(written); ok {
		write(text)
	} else {
		text.value(value)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", strconv.Itoa(len(text.text)))
	w.WriteHeader(status)
	w.Write(text.text)
}

// integer is an int64 that may come as a number or as text, as in protobuf's JSON.
type integer int64

func (n *integer) UnmarshalJSON(raw []byte) error {
	text := strings.Trim(string(raw), `"`)
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		whole, floatErr := strconv.ParseFloat(text, 64)
		if floatErr != nil || whole != float64(int64(whole)) {
			return &json.UnmarshalTypeError{Value: string(raw), Type: reflect.TypeFor[integer]()}
		}
		value = int64(whole)
	}
	*n = integer(value)
	return nil
}

// identifier is a text that careless clients send as a number.
type identifier string

func (id *identifier) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] != '"' && string(raw) != "null" {
		if _, err := strconv.ParseInt(string(raw), 10, 64); err != nil {
			return &json.UnmarshalTypeError{Value: string(raw), Type: reflect.TypeFor[string]()}
		}
		*id = identifier(raw)
		return nil
	}
	return json.Unmarshal(raw, (*string)(id))
}

// enumerated returns the member of names that text means: its name, or its number
// counted from 1.
func enumerated[T ~string](parameter, text string, names []T) (T, error) {
	if slices.Contains(names, T(text)) {
		return T(text), nil
	}
	if number, err := strconv.Atoi(text); err == nil && number >= 1 && number <= len(names) {
		return names[number-1], nil
	}
	return "", atelier.Errorf(atelier.Invalid, "Invalid value %q for parameter '%s' supplied: use one of %v.", atelier.Clip(text, 60), parameter, names).At(parameter)
}

func decode(req *http.Request, in any) error {
	if req.Method == http.MethodGet {
		return decodeQuery(req.URL.Query(), in)
	}
	body := bodies.Get().(*bytes.Buffer)
	defer returnBody(body)
	if err := readBody(req, body); err != nil {
		return err
	}
	raw := body.Bytes()
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil
	}
	if !isJSON(req.Header.Get("Content-Type")) {
		return atelier.Errorf(atelier.Invalid, "Bad Request. Content-Type must be application/json.")
	}
	return decodeBody(raw, in)
}

func isJSON(contentType string) bool {
	if contentType == "application/json" {
		return true
	}
	kind, _, _ := mime.ParseMediaType(contentType)
	return kind == "application/json"
}

// maxKeptBody is up to which size the memory of a body is used again.
const maxKeptBody = 1 << 20

// bodies are buffers for bodies: log-batches of 100 kB follow each other all day,
// and nothing of a body outlives its decoding.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func returnBody(body *bytes.Buffer) {
	if body.Cap() <= maxKeptBody {
		body.Reset()
		bodies.Put(body)
	}
}

// readBody reads a body of known length without growing a buffer for it.
func readBody(req *http.Request, body *bytes.Buffer) error {
	if req.ContentLength > 0 && req.ContentLength < maxKeptBody { // a client may say any length
		body.Grow(int(req.ContentLength) + bytes.MinRead)
	}
	_, err := body.ReadFrom(req.Body)
	return err
}

// quickly is a request whose plainest form it reads itself. It reports false,
// and has changed nothing, for any other.
type quickly interface{ quick(raw []byte) bool }

func decodeBody(raw []byte, in any) error {
	if q, ok := in.(quickly); ok && q.quick(raw) {
		return nil
	}
	if !json.Valid(raw) {
		raw = quoteSpecials(raw)
	}
	if hasNUL(raw) {
		return unreadable("body")
	}
	var text string
	if json.Unmarshal(raw, &text) == nil { // old clients encode twice
		raw = []byte(text)
	}
	err := json.Unmarshal(raw, in)
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		return wrongType(raw, wrong)
	}
	if known := (*atelier.Error)(nil); errors.As(err, &known) {
		return known
	}
	if err != nil {
		return atelier.Errorf(atelier.Invalid, "Malformed request body: it is not JSON: %v.", err)
	}
	return nil
}

// wrongType is MLflow's text for a value of another type than its parameter has.
// Clients and tests know it by the value, as it was sent.
func wrongType(raw []byte, wrong *json.UnmarshalTypeError) error {
	var sent map[string]json.RawMessage
	if json.Unmarshal(raw, &sent) != nil {
		return atelier.Errorf(atelier.Invalid, "Malformed request body: it must be an object.")
	}
	parameter, value, hint := wrong.Field, wrong.Value, "it must be "+kindOf(wrong.Type)
	last := parameter[strings.LastIndex(parameter, ".")+1:] // what comes before may be a struct of ours
	if top, given := sent[last]; given {
		parameter, value, hint = last, string(top), " Hint: Value was of type '"+pythonType(top)+"'"
	}
	return atelier.Errorf(atelier.Invalid, "Invalid value %s for parameter '%s' supplied: %s. See the API docs for more information about request parameters.",
		atelier.Clip(value, 60), parameter, hint).At(parameter)
}

// pythonType is what Python calls the type of a JSON value.
func pythonType(raw []byte) string {
	switch text := string(raw); {
	case text[0] == '"':
		return "str"
	case text[0] == '{':
		return "dict"
	case text[0] == '[':
		return "list"
	case text == "true", text == "false":
		return "bool"
	case strings.ContainsAny(text, ".eE"):
		return "float"
	}
	return "int"
}

// unreadable refuses text that no database keeps.
func unreadable(name string) error {
	return atelier.Errorf(atelier.Invalid, "Invalid value for parameter '%s' supplied: it contains a NUL character or is not UTF-8.", name).At(name)
}

// hasNUL reports whether a text in raw, which is JSON, has an escaped NUL.
func hasNUL(raw []byte) bool {
	escaped := bytes.Split(raw, []byte(`\u0000`))
	for _, before := range escaped[:len(escaped)-1] {
		slashes := len(before) - len(bytes.TrimRight(before, `\`))
		if slashes%2 == 0 {
			return true
		}
	}
	return false
}

func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Slice:
		return "a list"
	case reflect.Bool:
		return "true or false"
	case reflect.Struct, reflect.Map:
		return "an object"
	}
	return "a number"
}

// quoteSpecials puts quotes around NaN, Infinity and -Infinity, which Python's
// json writes bare, where they stand outside of texts.
func quoteSpecials(raw []byte) []byte {
	var out bytes.Buffer
	for at := 0; at < len(raw); {
		if raw[at] == '"' {
			end := endOfText(raw, at)
			out.Write(raw[at:end])
			at = end
			continue
		}
		special := ""
		for _, word := range []string{"NaN", "-Infinity", "Infinity"} {
			if bytes.HasPrefix(raw[at:], []byte(word)) {
				special = word
				break
			}
		}
		if special == "" {
			out.WriteByte(raw[at])
			at++
			continue
		}
		out.WriteString(`"` + special + `"`)
		at += len(special)
	}
	return out.Bytes()
}

func endOfText(raw []byte, start int) int {
	for at := start + 1; at < len(raw); at++ {
		switch raw[at] {
		case '\\':
			at++
		case '"':
			return at + 1
		}
	}
	return len(raw)
}

// decodeQuery fills the fields of in, a pointer to a struct, from a query whose
// names are the fields' JSON names.
func decodeQuery(query url.Values, in any) error {
	value := reflect.ValueOf(in).Elem()
	for i := range value.NumField() {
		name, _, _ := strings.Cut(value.Type().Field(i).Tag.Get("json"), ",")
		texts, given := query[name]
		if !given || len(texts) == 0 {
			continue
		}
		if slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, "\x00") || !utf8.ValidString(text) }) {
			return unreadable(name)
		}
		if err := setField(value.Field(i), name, texts); err != nil {
			return err
		}
	}
	return nil
}

func setField(field reflect.Value, name string, texts []string) error {
	bad := atelier.Errorf(atelier.Invalid, "Invalid value %q for parameter '%s' supplied. See the API docs for more information about request parameters.",
		atelier.Clip(texts[0], 60), name).At(name)
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		field = field.Elem()
	}
	switch field.Kind() {
	case reflect.String:
		field.SetString(texts[0])
	case reflect.Int64:
		number, err := strconv.ParseInt(texts[0], 10, 64)
		if err != nil {
			return bad
		}
		field.SetInt(number)
	case reflect.Bool:
		switch strings.ToLower(texts[0]) {
		case "true":
			field.SetBool(true)
		case "false":
		default:
			return bad
		}
	case reflect.Slice:
		for _, text := range texts {
			field.Set(reflect.Append(field, reflect.ValueOf(text).Convert(field.Type().Elem())))
		}
	}
	return nil
}
