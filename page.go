package atelier

import (
	"encoding/base64"
	"encoding/json"
)

// Page is one piece of a list. NextPageToken is empty on the last piece.
type Page[T any] struct {
	Items         []T    `json:"items"`
	NextPageToken string `json:"next_page_token,omitempty"`
}

// MarshalJSON writes a page without items as an empty list, never as null.
func (p Page[T]) MarshalJSON() ([]byte, error) {
	if p.Items == nil {
		p.Items = []T{}
	}
	type fields Page[T]
	return json.Marshal(fields(p))
}

// PageSize returns how many items to fetch: asked, or fallback when nothing was
// asked, and never more than limit.
func PageSize(asked, fallback, limit int) int {
	if asked <= 0 {
		return min(fallback, limit)
	}
	return min(asked, limit)
}

// EncodePageToken makes an opaque token of key: the values, in the list's
// order, of the last item that was returned.
func EncodePageToken(key any) string {
	text, err := json.Marshal(key)
	if err != nil {
		panic("atelier: a page key must be plain data: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// DecodePageToken reads a token made by EncodePageToken into key, a pointer.
func DecodePageToken(token string, key any) error {
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		err = json.Unmarshal(text, key)
	}
	if err != nil {
		return Errorf(Invalid, "Invalid page token.").At("page_token").
			WithHint("Pass the next_page_token of the previous answer unchanged.")
	}
	return nil
}
