package approval

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/changelane/changelane/change"
)

// EditKind is what sort of thing a requester is asked to do.
type EditKind uint8

// The kinds of edits, the cheapest first. What a requester may do depends on
// what is there already:
//
//	data                    missing            stated             observed
//	title, reason, size,    supply             -                  -
//	files, targets, links,
//	artifacts, downtime,
//	requester's kind/team,
//	history, attributes
//	evidence of a check     check              check, if it has   check, if it has
//	                                           not passed         not passed
//	plan                    supply             supply what steps  -
//	                                           leave open
//	validation              supply             supply what it     -
//	                                           leaves open, or
//	                                           automate (prepare)
//	backout                 prepare            -                  -
//	contributors            supply             prepare: one more  -
//	window                  schedule           schedule           -
//	claim                   claim              claim; withdraw    the same
//	                                           one's own for
//	                                           more scrutiny
//	emergency               -                  withdraw           -
//	kind, service, id       -                  -                  -
//
// What is stated can be attested, where a rule asks for that. Nothing that is
// known is ever restated, hidden or taken apart: there is no edit that gives a
// stated fact another value, removes it, or makes two changes of one. The four
// edits of what is there are no exceptions. A check that has not passed is run
// again, and somebody other than the requester vouches for the new result; the
// validation is automated and another person takes part, which are work to do;
// a window, a claim and the wish for an emergency are what the requester asks
// for, and no facts. Facts of the service and of the policy are not the
// requester's.
const (
	EditSupply   EditKind = iota + 1 // state what nobody has stated, if it is true
	EditWithdraw                     // take back a wish of one's own
	EditClaim                        // have somebody on call claim the change as standard
	EditSchedule                     // name a window, or another one
	EditAttest                       // have somebody else vouch for what is stated
	EditPrepare                      // do some work: a way back, automatic validation, a second person
	EditCheck                        // get a check to pass, by a new run
)

var editKinds = wordList{"kind of edit", []string{"", "supply", "withdraw", "claim", "schedule", "attest", "prepare", "check"}}

// String is the word for it in JSON; "" for the zero value.
func (k EditKind) String() string { return editKinds.format(uint8(k)) }

// MarshalText writes the word; the zero value has none and is an error.
func (k EditKind) MarshalText() ([]byte, error) { return editKinds.marshal(uint8(k)) }

// UnmarshalText accepts exactly the words of the set.
func (k *EditKind) UnmarshalText(text []byte) error { return readWord(editKinds, text, k) }

// Edit is one thing that the requester can do.
type Edit struct {
	Kind EditKind `json:"kind"`
	Fact string   `json:"fact"` // as rules name it; or the data, such as "plan", where several facts come from them
	From any      `json:"from"` // its value; nil where there is none
	To   any      `json:"to"`   // its value afterwards; in an attestation, the value that is vouched for
	// Or has the other values with which it would be standard as well, of those
	// that were tried.
	Or      []any  `json:"or,omitzero"`
	Vouched bool   `json:"vouched"` // somebody other than the requester must vouch for it
	Do      string `json:"do"`      // the same for a person, with the condition under which it may be done
}

// Suggestion is a set of edits that make a change standard: without any of them
// it is not.
type Suggestion struct {
	Edits  []Edit
	Change *change.Change // with the edits made; what a requester would fill in has stand-ins
	Result Classification // of that change; standard

	// Smallest is set where no part of the edits will do, in any of the ways
	// that were tried. Where it is not, the search ended before that was known:
	// none of the edits can be left out as they are, but with other values
	// fewer of them may do.
	Smallest bool
}

// Counterfactual says what would make a change standard.
type Counterfactual struct {
	Now         Classification // as it is
	Suggestions []Suggestion   // fewest edits first, then the cheapest, then in the order of the facts
	Blockers    []string       // where there are no suggestions: what stands in the way, one sentence each
	Complete    bool           // every set of edits was looked at, or is known not to help
	Fewest      bool           // it is known that no set has fewer edits than the first suggestion
	Tried       int            // assessments that it took
}

// CounterfactualOptions bound the search.
type CounterfactualOptions struct {
	Budget  int           // the most assessments of the search, besides the few that check what was found; 0 is DefaultBudget
	Horizon time.Duration // how far ahead windows are looked for; 0 is DefaultHorizon
}

// The bounds of [Policy.Counterfactual] where none are given.
const (
	DefaultBudget  = 20_000
	DefaultHorizon = 28 * 24 * time.Hour
)

// Counterfactual looks for the smallest sets of edits that the requester can
// make and that would make the change standard; see [EditKind] for what can be
// edited. It never suggests to state something else than what is known. Each
// suggestion has been classified on a copy of the change, which is not touched.
//
// A search that comes to its end has found all sets of which no part will do.
// Where the budget ends before, it has looked for one set, of many edits where
// there must be many, and then for others, those of the fewest edits first.
// What is known of them then is said: see Complete, Fewest and
// [Suggestion.Smallest].
//
// A fact can be edited in many ways; the search tries the values at which
// conditions of the policy turn, and for a window one of each sort of hour that
// they and the freezes tell apart, in the service's zone. With the same inputs
// the answer is the same.
func (p *Policy) Counterfactual(c *change.Change, in Inputs, opts *CounterfactualOptions) (out Counterfactual) {
	out.Now = p.Classify(c, in)
	defer func() {
		if r := recover(); r != nil {
			out = Counterfactual{Now: out.Now, Blockers: []string{fmt.Sprintf("the search failed: %v", r)}}
		}
	}()
	switch {
	case out.Now.Err != nil:
		out.Blockers, out.Complete = []string{"it cannot be classified: " + out.Now.Err.Error()}, true
		return out
	case out.Now.Type == change.Standard:
		out.Complete, out.Fewest = true, true
		return out
	}
	s, err := p.newSearch(c, in, opts)
	if err != nil {
		out.Blockers = []string{err.Error()}
		return out
	}
	if s.held == nil {
		out.Suggestions = s.run()
	}
	out.Complete, out.Tried, out.Fewest = s.complete, s.tried, s.complete
	if len(out.Suggestions) > 0 && len(out.Suggestions[0].Edits) <= s.size {
		out.Fewest = true
	}
	if len(out.Suggestions) == 0 {
		out.Blockers = s.blockers()
	}
	return out
}

// Explain is the counterfactual for a person. At most so many suggestions are
// shown; 0 shows all.
func (f Counterfactual) Explain(most int) string {
	var b strings.Builder
	switch {
	case f.Now.Type == change.Standard:
		return "It is standard as it is.\n"
	case len(f.Suggestions) == 0:
		b.WriteString("Nothing that the requester can do makes it standard:\n")
		if !f.Complete {
			b.Reset()
			fmt.Fprintf(&b, "In %d assessments nothing was found that makes it standard:\n", f.Tried)
		}
		for _, why := range f.Blockers {
			fmt.Fprintf(&b, "  - %s\n", why)
		}
		return b.String()
	}
	b.WriteString("What would make it standard:\n")
	shown := f.Suggestions
	if most > 0 && len(shown) > most {
		shown = shown[:most]
	}
	for i, s := range shown {
		mark := fmt.Sprintf("%d. ", i+1)
		for _, e := range s.Edits {
			fmt.Fprintf(&b, "  %4s%s\n", mark, e.Do)
			mark = ""
		}
		fmt.Fprintf(&b, "      then it is standard under %s, at level %s\n", s.Result.Template, s.Result.Assessment.Level)
		if !s.Smallest {
			b.WriteString("      (with other values, some of these may not be needed)\n")
		}
	}
	if more := len(f.Suggestions) - len(shown); more > 0 {
		fmt.Fprintf(&b, "  and %d more ways\n", more)
	}
	if !f.Complete {
		others := "there may be other ways"
		if f.Fewest {
			others += ", but none with fewer edits than the first"
		}
		fmt.Fprintf(&b, "  The search ended after %d assessments; %s.\n", f.Tried, others)
	}
	return b.String()
}

// MarshalJSON writes the counterfactual as one line, as published in
// schemas/counterfactual.schema.json. The members keep their order.
func (f Counterfactual) MarshalJSON() ([]byte, error) {
	type suggestion struct {
		Edits    []Edit `json:"edits"`
		Smallest bool   `json:"smallest"`
		Template string `json:"template"`
		Level    string `json:"level"`
		Score    int    `json:"score"`
	}
	out := struct {
		ID          string        `json:"id"`
		Type        change.Type   `json:"type"`
		Suggestions []suggestion  `json:"suggestions"`
		Blockers    []string      `json:"blockers"`
		Complete    bool          `json:"complete"`
		Fewest      bool          `json:"fewest"`
		Tried       int           `json:"tried"`
		At          time.Time     `json:"at"`
		Change      change.Digest `json:"change"`
		Policy      change.Digest `json:"policy"`
	}{f.Now.ID, f.Now.Type, []suggestion{}, orEmpty(f.Blockers), f.Complete, f.Fewest, f.Tried, f.Now.At, f.Now.Change, f.Now.Policy}
	for _, s := range f.Suggestions {
		out.Suggestions = append(out.Suggestions, suggestion{slices.Clone(s.Edits), s.Smallest, s.Result.Template, s.Result.Assessment.Level.String(), s.Result.Assessment.Score})
	}
	return plainJSON(out)
}
