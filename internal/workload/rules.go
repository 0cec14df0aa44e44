package workload

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Class is a kind of rule. The zero Class is the mix of them.
type Class uint8

// The classes, and what each begins with.
const (
	Mixed     Class = iota
	Equality        // an equality or a list of values
	Threshold       // numbers
	Listing         // lists and texts
	Combined        // "or" and "not"
)

// String is the name of the class.
func (c Class) String() string {
	return [...]string{"mixed", "equality", "threshold", "listing", "combined"}[c]
}

// mix is the order of the classes in the sequence of rules.
var mix = [10]Class{Equality, Threshold, Equality, Equality, Listing, Equality, Threshold, Equality, Combined, Equality}

// Rule is a rule: where its condition holds, its points are added.
type Rule struct {
	ID      string
	Because string
	Points  int // one rule of ten lowers the score, and vouches for the change
	When    Condition
}

// author writes rules. It knows how the numbers of changes are spread.
type author struct {
	dice
	spread *[NumFields][]float64
}

// spreadOf sorts the numbers of a sample of changes, field by field.
func spreadOf(sample []Change) *[NumFields][]float64 {
	var out [NumFields][]float64
	for f := Tier; f <= HoursSinceFailure; f++ {
		for i := range sample {
			out[f] = append(out[f], sample[i].Number(f))
		}
		slices.Sort(out[f])
	}
	return &out
}

// rule writes rule number i of the sequence. It depends on i only, so that
// fewer rules are a prefix of more. Opaque rules hang on one test that an index
// can use and one that it cannot.
func rule(i int, class Class, opaque bool, spread *[NumFields][]float64) Rule {
	a := author{newDice(uint64(i), 0x52554c45), spread}
	if class == Mixed {
		class = mix[i%len(mix)]
	}
	r := Rule{ID: fmt.Sprintf("r%05d", i), Because: fmt.Sprintf("rule %d of the sequence says so", i), Points: 1 + a.IntN(20)}
	if a.chance(0.1) {
		r.Points = -r.Points
	}
	if r.When = a.of(class); opaque && i%20 == 19 {
		r.When = and(a.first(), a.opaque())
	}
	return r
}

func (a author) of(class Class) Condition {
	var of []Condition
	switch class {
	case Equality:
		of = append([]Condition{a.first()}, a.more(1+a.IntN(3))...)
	case Threshold:
		of = a.thresholds(2 + a.IntN(2))
	case Listing:
		of = append([]Condition{a.listing()}, a.more(1+a.IntN(2))...)
	default:
		return a.combined()
	}
	return and(of...)
}

func and(of ...Condition) Condition { return Condition{Op: And, Of: of} }
func or(of ...Condition) Condition  { return Condition{Op: Or, Of: of} }
func not(of Condition) Condition    { return Condition{Op: Not, Of: []Condition{of}} }

// first is an equality, or a list of values, of one of the five fields that
// rules begin with.
func (a author) first() Condition {
	return a.equal(one(a.dice, []Field{Service, Team, Environment, Kind, Region}))
}

// equal is an equality in two cases of three, or else a list of values.
func (a author) equal(f Field) Condition {
	values := map[Field][]string{Service: services(), Team: teams(), Environment: environments, Kind: kinds, Region: regions, RequesterTeam: teams(), Exposure: exposures}[f]
	if a.chance(0.67) {
		return Condition{Op: Equal, Field: f, Texts: []string{one(a.dice, values)}}
	}
	n := 2
	if len(values) > 20 {
		n += a.IntN(7)
	}
	out := Condition{Op: In, Field: f}
	for _, i := range a.Perm(len(values))[:n] {
		out.Texts = append(out.Texts, values[i])
	}
	return out
}

// more are n tests of different fields, none of them one that rules begin with
// but the environment, the kind and the region; half of them are rarely true.
func (a author) more(n int) []Condition {
	kinds := a.Perm(9)[:n]
	out := make([]Condition, n)
	for i, k := range kinds {
		switch k {
		case 0:
			out[i] = Condition{Op: IsTrue, Field: Downtime}
		case 1:
			out[i] = not(Condition{Op: IsTrue, Field: Backout})
		case 2:
			out[i] = Condition{Op: Has, Field: Labels, Texts: []string{one(a.dice, labels)}}
		case 3:
			out[i] = a.equal(Exposure)
		case 4:
			out[i] = a.equal(RequesterTeam)
		default:
			out[i] = a.threshold(numeric[k-5][a.IntN(3)], 0.05+0.25*a.Float64())
		}
	}
	return out
}

// numeric are the numbers that rules ask for, in groups.
var numeric = [4][3]Field{
	{LinesAdded, LinesDeleted, Files},
	{Changes30d, Failures90d, Targets},
	{FailureRate, TeamFailureRate, HoursSinceFailure},
	{Tier, Developers, Tier},
}

// threshold is a test of a number that about that share of all changes pass.
func (a author) threshold(f Field, share float64) Condition {
	sorted := a.spread[f]
	at := min(int(share*float64(len(sorted))), len(sorted)-1)
	switch {
	case f == Tier:
		return Condition{Op: AtMost, Field: f, Number: sorted[at]}
	case f == HoursSinceFailure, f == Changes30d && a.chance(0.3):
		return Condition{Op: one(a.dice, []Op{Below, AtMost}), Field: f, Number: twoDigits(sorted[at])}
	}
	return Condition{Op: one(a.dice, []Op{Above, AtLeast}), Field: f, Number: twoDigits(sorted[len(sorted)-1-at])}
}

// thresholds are n tests of numbers, the first of them rarely true.
func (a author) thresholds(n int) []Condition {
	out := make([]Condition, n)
	for i, g := range a.Perm(3)[:n] {
		share := 0.05 + 0.35*a.Float64()
		if i == 0 {
			share = 0.01 + 0.07*a.Float64()
		}
		out[i] = a.threshold(numeric[g][a.IntN(3)], share)
	}
	return out
}

// twoDigits rounds to two digits, as people write thresholds.
func twoDigits(x float64) float64 {
	if x == 0 {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(x))-1)
	if unit < 1 {
		return math.Round(x/unit) / math.Round(1/unit)
	}
	return math.Round(x/unit) * unit
}

// listing is a test of a list or of a longer text.
func (a author) listing() Condition {
	text := func(op Op, f Field, s string) Condition { return Condition{Op: op, Field: f, Texts: []string{s}} }
	switch a.IntN(6) {
	case 0, 1:
		return text(AnyStart, Paths, one(a.dice, roots)+"/"+one(a.dice, folders)+"/")
	case 2:
		return text(AnyEnd, Paths, one(a.dice, endings))
	case 3:
		return text(Has, Labels, one(a.dice, labels))
	case 4:
		return text(Contains, Title, one(a.dice, nouns))
	default:
		return text(Starts, Title, one(a.dice, verbs)+" "+one(a.dice, nouns))
	}
}

// combined joins tests with "or" and "not".
func (a author) combined() Condition {
	m := a.more(3)
	switch a.IntN(4) {
	case 0:
		return and(or(a.first(), a.first()), m[0], m[1])
	case 1:
		return and(a.first(), a.listing(), not(and(m[0], m[1])))
	case 2:
		return and(a.first(), m[0], not(or(m[1], m[2])))
	default:
		return or(and(a.first(), m[0]), and(a.listing(), m[1], m[2]))
	}
}

// opaque is a test that no index can answer.
func (a author) opaque() Condition {
	if a.chance(0.5) {
		return Condition{Op: Ratio, Field: LinesDeleted, By: LinesAdded, Number: 0.5 * float64(1+a.IntN(12))}
	}
	pattern := fmt.Sprintf("^(%s|%s) .*-%d[0-9]+$", one(a.dice, verbs), strings.ToUpper(one(a.dice, nouns)[:3]), 1+a.IntN(9))
	return Condition{Op: Matches, Field: Title, Texts: []string{pattern}}
}
