package risk

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/changelane/changelane/internal/policyfile"
	"github.com/changelane/changelane/internal/rule"
)

// The bounds of named sets.
const (
	MaxSets     = 1_000
	MaxSetItems = 10_000
	MaxSetBytes = 1 << 20 // of all items of all sets together
)

// Set is a list of texts under a name. Conditions name it as sets.NAME, on the
// right of "in" and in touches(); it costs no more than a short list, however
// long it is. It is a constant: no change can add to it.
type Set struct {
	Name  string   `json:"name"` // small letters, digits and "_"
	Items []string `json:"items"`

	src   source
	items []source
}

// ParseSets reads the section "sets" of policy.yaml, and nothing else of it;
// without that section there is nothing to read:
//
//	sets:
//	  critical: [payments-api, ledger]
//	  schema_paths: ["db/**", "**/migrations/**"]
//
// It reports every fault of form; [NewVocabulary] reports those of meaning. The
// error is [ParseErrors].
func ParseSets(file string, data []byte) ([]Set, error) {
	var errs policyfile.Errors
	section := sectionOf(policyfile.Parse(file, data, &errs), "sets")
	var out []Set
	for _, f := range section.Help("critical: [payments-api, ledger]").Entries(&errs, "sets") {
		out = append(out, readSet(f, &errs))
	}
	return out, parseErrors(&errs)
}

func readSet(f policyfile.Field, errs *policyfile.Errors) Set {
	s := Set{Name: f.Name, src: source{node: f.Value}}
	for _, n := range f.Value.Help("[payments-api, ledger]").List(errs, "a set") {
		s.Items = append(s.Items, n.String(errs, "an item of a set"))
		s.items = append(s.items, source{node: n})
	}
	return s
}

// item is where an item was read, or else the set.
func (s *Set) item(i int) source {
	if i < len(s.items) {
		return s.items[i]
	}
	return s.src
}

var setName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// checkSets reports what makes no set.
func checkSets(sets []Set, errs *faults) {
	if len(sets) > MaxSets {
		errs.add(sets[MaxSets].src, "", "a policy has at most %d sets, and this one has %d", MaxSets, len(sets))
	}
	bytes := 0
	names := make(map[string]bool, len(sets))
	for i := range sets {
		s := &sets[i]
		switch {
		case !setName.MatchString(s.Name):
			errs.add(s.src, "", "%q cannot be the name of a set: use small letters, digits and \"_\", and begin with a letter%s", s.Name, underscored(s.Name))
		case names[s.Name]:
			errs.add(s.src, "", "the set %q is defined twice", s.Name)
		case len(s.Items) == 0:
			errs.add(s.src, "", "the set %q is empty, so nothing is ever in it; leave it out", s.Name)
		case len(s.Items) > MaxSetItems:
			errs.add(s.src, "", "the set %q has %d items; at most %d are allowed", s.Name, len(s.Items), MaxSetItems)
		default:
			bytes += checkItems(s, errs)
		}
		names[s.Name] = true
	}
	if bytes > MaxSetBytes {
		errs.add(sets[0].src, "", "the sets hold %d bytes together; at most %d are allowed", bytes, MaxSetBytes)
	}
}

// camel is where a word begins in the middle of a name, as in costCentre.
var camel = regexp.MustCompile(`([a-z0-9])([A-Z])`)

func underscored(name string) string {
	if meant := strings.NewReplacer("-", "_", ".", "_", " ", "_").Replace(strings.ToLower(camel.ReplaceAllString(name, "${1}_$2"))); setName.MatchString(meant) {
		return ", such as " + meant
	}
	return ""
}

// checkItems reports items that stand twice or that no fact can be; the result
// is how many bytes there are.
func checkItems(s *Set, errs *faults) (bytes int) {
	seen := make(map[string]bool, len(s.Items))
	for i, item := range s.Items {
		bytes += len(item)
		switch {
		case item == "" || strings.TrimSpace(item) != item || !utf8.ValidString(item) || strings.ContainsFunc(item, unseen):
			errs.add(s.item(i), "", "the set %q cannot hold %q: an item has something to see, no space at its ends and nothing invisible", s.Name, item)
		case seen[item]:
			errs.add(s.item(i), "", "the set %q holds %q twice", s.Name, item)
		}
		seen[item] = true
	}
	return bytes
}

// unseen reports whether a character does not show.
func unseen(r rune) bool { return !unicode.IsGraphic(r) || r == utf8.RuneError || rule.Hidden(r) }

// ruleSets are the sets as the language has them, each item with its place.
func ruleSets(sets []Set) []rule.NamedSet {
	out := make([]rule.NamedSet, len(sets))
	for i, s := range sets {
		out[i] = rule.NamedSet{Name: s.Name, Items: s.Items}
		for _, at := range s.items {
			out[i].Places = append(out[i].Places, fmt.Sprint(at.node.Pos))
		}
	}
	return out
}

// Clone is a copy that shares nothing that can be written to.
func (s Set) Clone() Set {
	s.Items = slices.Clone(s.Items)
	return s
}

func cloneSets(sets []Set) []Set {
	out := slices.Clone(sets)
	for i := range out {
		out[i] = out[i].Clone()
	}
	return out
}
