package risk

import (
	"strings"

	"github.com/changelane/changelane/change"
)

// sources knows who answers for which fact. Facts that are read from the same
// data share a slot.
type sources struct {
	slots  []int            // by fact
	count  int              // of slots
	covers map[string][]int // by what an attestation can cover
}

// The slots that are not one for each name of data.
const (
	ofNobody    = iota // derived
	ofRequester        // stated, whatever is attested
	ofFiles
	ofLines // from the files, where these say how many they have
	ofSize
	ofWindow
	firstSlot
)

func newSources(defs []definition) sources {
	s := sources{slots: make([]int, len(defs)), count: firstSlot, covers: map[string][]int{"files": {ofFiles, ofLines}, "size": {ofSize}, "window": {ofWindow}}}
	known := map[string]int{"": ofNobody, "files": ofFiles, "window": ofWindow}
	for i, d := range defs {
		slot, ok := known[d.data]
		if !ok {
			slot = s.count
			s.count++
			known[d.data] = slot
			s.covers[d.data] = append(s.covers[d.data], slot)
			if group, _, dotted := strings.Cut(d.data, "."); dotted {
				s.covers[group] = append(s.covers[group], slot)
			}
		}
		if slot == ofFiles && strings.HasPrefix(d.Name, "change.lines_") {
			slot = ofLines
		}
		s.slots[i] = slot
	}
	return s
}

// read finds who answers for the data of a change, slot by slot; for the lines
// that is settled when they are counted.
func (s *sources) read(r *reading, out []Provenance) {
	clear(out)
	s.observed(r.change, out)
	r.sources, out[ofNobody] = out, Derived
	if r.change.Files == nil {
		out[ofFiles] = out[ofSize] // the same facts, stated in numbers
	}
	if r.change.Window == nil {
		out[ofWindow] = Derived // the clock says when
	}
}

func (s *sources) observed(c *change.Change, out []Provenance) {
	for i := range c.Attested {
		for _, name := range c.Attested[i].Covers {
			for _, slot := range s.covers[name] {
				out[slot] = Observed
			}
		}
	}
}
