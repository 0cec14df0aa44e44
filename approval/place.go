package approval

import "github.com/changelane/changelane/risk"

// Where the parts of a policy were read: a field by its name in the file, "" for
// the whole, and a line above 0 for a place within the text of a condition, as a
// [risk.Mutant] has it. It is the zero Place for what was built in Go.

// Place is where a field of the template was read.
func (t Template) Place(field string, line, column int) risk.Place {
	return placeIn(t.src, field, line, column)
}

// Place is where a field of it was read.
func (f Forbid) Place(field string, line, column int) risk.Place {
	return placeIn(f.src, field, line, column)
}

// Place is where a field of the freeze was read.
func (f Freeze) Place(field string, line, column int) risk.Place {
	return placeIn(f.src, field, line, column)
}

// Place is where a field of the rule was read.
func (r AuthorityRule) Place(field string, line, column int) risk.Place {
	return placeIn(r.src, field, line, column)
}

// Place is where a field of the need was read.
func (n Need) Place(field string, line, column int) risk.Place {
	return placeIn(n.src, field, line, column)
}

func placeIn(at source, field string, line, column int) risk.Place {
	return risk.Place(at.node.Place(field, line, column))
}

// ModelPlace is where a field of one of the policy's own models was read.
func (d Definition) ModelPlace(model, field string) risk.Place {
	return placeIn(d.sources.policy.inside("models", model), field, 0, 0)
}

// WorkingTimePlace is where a field of the working time was read.
func (d Definition) WorkingTimePlace(field string) risk.Place {
	return placeIn(d.sources.calendar.inside("working-time"), field, 0, 0)
}

// ServicePlace is where a field of a service was read, such as "tier", or
// "model/1/from" for the day from which its second model holds.
func (d Definition) ServicePlace(service, field string) risk.Place {
	return placeIn(d.sources.service[service], field, 0, 0)
}
