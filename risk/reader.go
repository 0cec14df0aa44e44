package risk

import (
	"slices"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/rule"
)

// Reader reads of changes the facts that some rules and conditions look at, and
// leaves all others unknown: those that nobody looks at cost nothing. It is
// immutable and safe for concurrent use.
type Reader struct {
	vocabulary *Vocabulary
	facts      []factReader
	applies    bool // some of them have no meaning for some services
}

// factReader is what it takes to read one fact.
type factReader struct {
	fact    int
	bounded bool // it has to be admitted
	read    readFunc
}

// Reader reads what the rules and the conditions look at. Rules may be nil;
// what is written in another vocabulary is not read, as it could not be asked
// over these facts.
func (v *Vocabulary) Reader(rules *RuleSet, conditions ...*Condition) *Reader {
	if v.none() {
		return &Reader{}
	}
	var facts []int
	if rules != nil && rules.vocabulary == v {
		facts = slices.Concat(facts, rules.reads)
	}
	for _, c := range conditions {
		if !c.none() && c.vocabulary == v {
			facts = slices.Concat(facts, c.expr.Reads(), c.expr.AsksPresence())
		}
	}
	return v.reader(facts)
}

func (v *Vocabulary) reader(facts []int) *Reader {
	rd := &Reader{vocabulary: v}
	rd.applies = slices.ContainsFunc(v.applied, func(i int) bool { return slices.Contains(facts, i) })
	if rd.applies {
		facts = slices.Concat(facts, v.applies.Reads())
	}
	facts = slices.DeleteFunc(slices.Clone(facts), func(i int) bool { return i >= len(v.defs) }) // extra facts are not of the change
	slices.Sort(facts)
	for _, i := range slices.Compact(facts) {
		d := &v.defs[i]
		rd.facts = append(rd.facts, factReader{i, d.Type == rule.Text || d.Type == rule.List || d.Range != nil, d.read})
	}
	return rd
}

// Facts reads the facts of a change in a situation.
func (rd *Reader) Facts(c *change.Change, s Situation) Facts {
	if rd == nil || rd.vocabulary == nil {
		return Facts{}
	}
	f := rd.vocabulary.unknown()
	if c == nil {
		return f // nothing is known of no change
	}
	var r reading
	rd.read(&r, c, s, &f)
	return f
}

// unknown are facts of which none is known.
func (v *Vocabulary) unknown() Facts {
	return Facts{v, make([]rule.Value, len(v.defs)), v.sources.slots, make([]Provenance, v.sources.count)}
}

// read reads the facts into f, which holds nothing else than what the same
// reader may have read into it before. Lists are valid until r turns to
// another change.
func (rd *Reader) read(r *reading, c *change.Change, s Situation, f *Facts) {
	v := rd.vocabulary
	r.begin(c, s)
	v.sources.read(r, f.sources)
	r.fill(f, rd.facts)
	if rd.applies {
		v.apply(r, f)
	}
}

// fill reads some of the facts.
func (r *reading) fill(f *Facts, some []factReader) {
	rules, values := f.vocabulary.rules, f.values
	for i := range some {
		one := &some[i]
		to := &values[one.fact]
		one.read(r, to)
		if one.bounded && to.Word == 0 {
			rules.Check(one.fact, to)
		}
	}
}

// apply takes away the facts that policy says have no meaning for the service,
// and those of which that cannot be told. All of it is decided over the facts
// as they were read, so that the order of "applies" does not matter.
func (v *Vocabulary) apply(r *reading, f *Facts) {
	if r.run == nil {
		r.run = v.applies.NewRun()
	}
	decided := r.run.Decide(f.values)
	for n, i := range v.applied {
		switch {
		case len(decided) == 0 || int(decided[0].Rule) != n: // False: facts as they are read are all applicable
			f.values[i] = rule.Value{State: rule.NotApplicable}
			continue
		case decided[0].When != rule.IsTrue: // whether it has a meaning cannot be told
			f.values[i] = rule.Value{}
		}
		decided = decided[1:]
	}
}
