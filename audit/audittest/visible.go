package audittest

import (
	"crypto/sha256"
	"fmt"

	"github.com/changelane/changelane/audit"
)

// view is what can be seen of one tenant, of a store or of the model.
type view interface {
	all() []audit.Record
	events(k audit.Key) []audit.Entry
	listed(kind, list string) []audit.Record
	waiting() []audit.Entry
	sequenced() []audit.Entry
	state(positions []int64) audit.LogState
}

// lists are the names of the lists that a view shows.
var lists = []string{"open", "mine", "week"}

// visible puts everything that can be seen into words, so that it can be
// compared and shown.
func visible(v view) []string {
	var lines []string
	kinds := map[string]bool{}
	for _, r := range v.all() {
		lines = append(lines, sayRecord(r))
		for _, e := range v.events(r.Key) {
			lines = append(lines, sayEntry(e))
		}
		if kinds[r.Key.Kind] {
			continue
		}
		kinds[r.Key.Kind] = true
		for _, name := range append([]string{""}, lists...) {
			for _, r := range v.listed(r.Key.Kind, name) {
				lines = append(lines, "in list "+name+": "+sayRecord(r))
			}
		}
	}
	for _, e := range v.waiting() {
		lines = append(lines, "waiting: "+sayEntry(e))
	}
	sequenced := v.sequenced()
	for _, e := range sequenced {
		lines = append(lines, "in the log: "+sayEntry(e))
	}
	var positions []int64
	for p := range min(storedHashes(int64(len(sequenced))), audit.MaxPage) {
		positions = append(positions, p)
	}
	state := v.state(positions)
	return append(lines, fmt.Sprintf("log of %d, %d waiting, checkpoint %q, hashes %x",
		state.Size, state.Waiting, state.Checkpoint, sha256.Sum256(fmt.Append(nil, state.Hashes))))
}

func sayKey(k audit.Key) string { return fmt.Sprintf("%q/%q/%q", k.Tenant, k.Kind, k.ID) }

func sayRecord(r audit.Record) string {
	return fmt.Sprintf("%s version %d head %x state %q lists %q", sayKey(r.Key), r.Version, r.Head[:4], r.State, r.Lists)
}

func sayEntry(e audit.Entry) string {
	return fmt.Sprintf("%s event %d index %d data %.4x openings %.4x",
		sayKey(e.Key), e.Seq, e.Index, sha256.Sum256(e.Leaf.Data), sha256.Sum256(e.Leaf.Openings))
}

// sayMessage leaves the ID out: only its order is in the contract.
func sayMessage(m audit.Message) string {
	return fmt.Sprintf("%s about %s event %d body %q attempts %d", m.Topic, sayKey(m.Key), m.Seq, m.Body, m.Attempts)
}

// difference says where two views part; "" when they are the same.
func difference(got, want []string) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return fmt.Sprintf("the store lacks\n  %s", want[i])
		case i >= len(want):
			return fmt.Sprintf("the store has too much:\n  %s", got[i])
		case got[i] != want[i]:
			return fmt.Sprintf("the store has\n  %s\nand not\n  %s", got[i], want[i])
		}
	}
	return ""
}

// storeView is what a store shows of a tenant.
type storeView struct {
	*scene
	tenant string
}

func (v storeView) all() []audit.Record { return v.list(audit.ListRequest{Tenant: v.tenant}) }

func (v storeView) events(k audit.Key) []audit.Entry { return v.load(k).Events[0] }

func (v storeView) listed(kind, list string) []audit.Record {
	return v.list(audit.ListRequest{Tenant: v.tenant, Kind: kind, List: list})
}

func (v storeView) waiting() []audit.Entry {
	return v.scene.events(audit.EventsRequest{Tenant: v.tenant, Unsequenced: true})
}

func (v storeView) sequenced() []audit.Entry {
	return v.scene.events(audit.EventsRequest{Tenant: v.tenant})
}

func (v storeView) state(positions []int64) audit.LogState { return v.log(v.tenant, positions...) }

// see is all that can be seen of the tenant that most checks use.
func (s *scene) see() []string { return visible(storeView{s, tenant}) }

// unchanged fails where something can be seen that could not be before.
func (s *scene) unchanged(before []string, what string) {
	s.Helper()
	if d := difference(s.see(), before); d != "" {
		s.Errorf("%s: something changed: %s", what, d)
	}
}

// storedHashes is how many hashes the tree of a log of a size keeps: one for
// each leaf and one for each node that is full.
func storedHashes(size int64) int64 {
	stored := int64(0)
	for ; size > 0; size /= 2 {
		stored += size
	}
	return stored
}
