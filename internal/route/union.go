package route

import "reflect"

// Union tells the document that T has more than one form in JSON, and reads and
// checks them itself (json.Unmarshaler). Call it before the first route with a T.
func Union[T any](t *Table) {
	t.api.OpenAPI().Components.Schemas.RegisterTypeAlias(reflect.TypeFor[T](), reflect.TypeFor[any]())
}
