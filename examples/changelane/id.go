package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
)

// changeID is what the schema of a change allows as an id.
var changeID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/@#-]{0,127}$`)

// idOf is the id of a change that is refused, so that the reader of the answer
// knows which; "" when the input is not JSON, or does not name exactly one.
func idOf(data []byte) string {
	if !json.Valid(data) {
		return ""
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return ""
	}
	id, found := "", 0
	for d.More() {
		name, err := d.Token()
		var value json.RawMessage
		if err != nil || d.Decode(&value) != nil {
			return ""
		}
		if text, ok := name.(string); !ok || !strings.EqualFold(text, "id") {
			continue
		}
		if found++; found > 1 || json.Unmarshal(value, &id) != nil || !changeID.MatchString(id) {
			return ""
		}
	}
	return id
}
