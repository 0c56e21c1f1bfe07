package access

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode"

	"github.com/atelier-ml/atelier"
)

// Definition asks for a custom role. It is read from our own fields (name,
// description, actions, not_actions) and from a role definition of Azure's, as its
// command line and its REST API write them.
type Definition struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Actions     []string `json:"actions"`
	NotActions  []string `json:"not_actions,omitempty"`
}

// UnmarshalJSON reads any of the forms. A field that nobody knows is refused: it
// may be a restriction that was meant.
func (d *Definition) UnmarshalJSON(text []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return atelier.Errorf(atelier.Invalid, "A role is described by an object with a name and actions.")
	}
	*d = Definition{}
	return d.read(fields, "")
}

func (d *Definition) read(fields map[string]json.RawMessage, where string) error {
	for name, value := range fields {
		if err := d.readField(name, value, where); err != nil {
			return err
		}
	}
	return nil
}

func (d *Definition) readField(name string, value json.RawMessage, where string) error {
	var target any
	switch folded := strings.ReplaceAll(strings.ToLower(name), "_", ""); folded {
	case "name", "rolename":
		if folded == "name" && d.Name != "" { // beside properties.roleName Azure's "name" is an id
			return nil
		}
		target = &d.Name
	case "description":
		target = &d.Description
	case "actions":
		target = &d.Actions
	case "notactions":
		target = &d.NotActions
	case "dataactions", "notdataactions":
		return nothing(name, value, where)
	case "properties":
		var inner map[string]json.RawMessage
		if json.Unmarshal(value, &inner) != nil {
			return notReadable(where + name)
		}
		d.Name = ""
		return d.read(inner, where+name+".")
	case "permissions":
		var inner []map[string]json.RawMessage
		if json.Unmarshal(value, &inner) != nil || len(inner) > 1 {
			return notReadable(where + name)
		}
		if len(inner) == 0 {
			return nil
		}
		return d.read(inner[0], where+name+"[0].")
	case "assignablescopes", "iscustom", "roletype", "type", "id", "createdby", "createdon", "updatedby", "updatedon", "condition", "conditionversion":
		if strings.HasPrefix(folded, "condition") {
			return nothing(name, value, where)
		}
		return nil // where Azure keeps the role; here it is the workspace's
	default:
		return atelier.Errorf(atelier.Invalid, "A role has no field %q.", atelier.Clip(name, 60)).At(where + name).
			WithHint("It has a name, a description, actions and not_actions, or is a role definition of Azure's.")
	}
	if json.Unmarshal(value, target) != nil {
		return notReadable(where + name)
	}
	return nil
}

// nothing refuses what would restrict or widen a role in a way that is not there.
func nothing(name string, value json.RawMessage, where string) error {
	switch string(bytes.TrimSpace(value)) {
	case "null", "[]", `""`:
		return nil
	}
	return atelier.Errorf(atelier.Invalid, "A role cannot have %s here.", name).At(where + name).WithHint("Leave it out, or empty.")
}

func notReadable(field string) error {
	return atelier.Errorf(atelier.Invalid, "%s is not of the form that a role has.", field).At(field)
}

// checked returns the role that the definition describes, in our words.
func (d Definition) checked() (Role, error) {
	if err := checkRoleName(d.Name); err != nil {
		return Role{}, err
	}
	if len(d.Description) > 1000 || len(d.Actions)+len(d.NotActions) > 500 {
		return Role{}, atelier.Errorf(atelier.Invalid, "The role is too long: it may have 500 actions, and 1,000 bytes of description.")
	}
	if len(d.Actions) == 0 {
		return Role{}, atelier.Errorf(atelier.Invalid, "The role allows nothing: it has no actions.").At("actions")
	}
	role := Role{Name: d.Name, Description: d.Description, Custom: true}
	var err error
	var idle, idleNot []string
	if role.Actions, idle, err = translate(d.Actions, "actions", false); err != nil {
		return Role{}, err
	}
	if role.NotActions, idleNot, err = translate(d.NotActions, "not_actions", true); err != nil {
		return Role{}, err
	}
	role.Idle = append(idle, idleNot...)
	return role, nil
}

func checkRoleName(name string) error {
	bad := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(" ._-()", r)
	}
	switch {
	case name == "" || strings.TrimSpace(name) != name || len(name) > 128 || strings.ContainsFunc(name, bad):
		return atelier.Errorf(atelier.Invalid, "%q cannot name a role.", atelier.Clip(name, 60)).At("name").
			WithHint("Use up to 128 letters, digits, blanks, '.', '_', '-' or brackets.")
	case isBuiltIn(name):
		return atelier.Errorf(atelier.Conflict, "%q is a built-in role.", name).At("name").WithHint("Choose another name.")
	}
	return nil
}
