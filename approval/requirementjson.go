package approval

import (
	"errors"
	"fmt"

	"github.com/changelane/changelane/internal/schema"
)

// ParseRequirement reads the JSON form of a requirement, strictly: it is the
// inverse of [encoding/json.Marshal]. It refuses null, and what no requirement
// of a policy can be, such as all or any of nothing, a quorum of 0, or a seat of
// both a group and a role.
func ParseRequirement(data []byte) (Requirement, error) {
	tree, err := schema.Parse(data, schema.DocumentLimits())
	if err != nil {
		return nil, fmt.Errorf("the requirement cannot be read: %w", err)
	}
	r, err := readRequirement(tree, 0)
	if err == nil {
		err = requirementProblem(r, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("the requirement cannot be read: %w", err)
	}
	return r, nil
}

func readRequirement(v *schema.Value, depth int) (Requirement, error) {
	if depth > maxDepth {
		return nil, placed(v, fmt.Errorf("it is nested deeper than %d levels", maxDepth))
	}
	data := v.AppendCanonical(nil)
	switch {
	case v.Get("all") != nil:
		parts, err := readParts(v, "all", depth)
		return All(parts), err
	case v.Get("any") != nil:
		parts, err := readParts(v, "any", depth)
		return Any(parts), err
	case v.Get("template") != nil:
		var p PreApproval
		err := readForm(data, &p)
		return p, placed(v, err)
	case v.Get("quorum") != nil:
		var s Seat
		err := readForm(data, &s)
		return s, placed(v, err)
	}
	return nil, placed(v, errors.New(`expected an object with "all", "any", "quorum" or "template"`))
}

func readParts(v *schema.Value, name string, depth int) ([]Requirement, error) {
	list := v.Get(name)
	if len(v.Members) != 1 || list.Kind != schema.Array || len(list.Items) == 0 {
		return nil, placed(v, fmt.Errorf("%q has a list of at least one requirement, and nothing stands beside it", name))
	}
	parts := make([]Requirement, len(list.Items))
	for i, item := range list.Items {
		part, err := readRequirement(item, depth+1)
		if err != nil {
			return nil, err
		}
		parts[i] = part
	}
	return parts, nil
}

// placed adds the place in the text to a fault.
func placed(v *schema.Value, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("line %d, column %d: %w", v.Line, v.Column, err)
}
