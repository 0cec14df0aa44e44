package approval_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

var update = flag.Bool("update", false, "write the messages that there are into testdata/load-faults.txt")

// broken is the policy with one fault: "FILE | OLD | NEW" replaces a text,
// "FILE > NAME" renames or removes a file, "FILE = TEXT" replaces all of it.
func broken(t *testing.T, fault string) map[string]string {
	f := files()
	if file, name, ok := strings.Cut(fault, " > "); ok && f[file] != "" {
		if name != "" {
			f[name] = f[file]
		}
		delete(f, file)
		return f
	}
	if file, text, ok := strings.Cut(fault, " = "); ok && f[file] != "" {
		f[file] = text
		return f
	}
	file, edit, _ := strings.Cut(fault, " | ")
	before, after, _ := strings.Cut(edit, " |")
	lines := strings.NewReplacer(`\n`, "\n")
	before, after = lines.Replace(before), lines.Replace(strings.TrimPrefix(after, " "))
	if !strings.Contains(f[file], before) {
		t.Fatalf("%s: there is no such text", fault)
	}
	f[file] = strings.Replace(f[file], before, after, 1)
	return f
}

// TestLoadFaults breaks the policy in one way after the other, and holds the
// messages, with their places, against those that were read and found good.
func TestLoadFaults(t *testing.T) {
	const name = "testdata/load-faults.txt"
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	faults := 0
	for _, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		if strings.HasPrefix(line, "    ") {
			continue
		}
		faults++
		fmt.Fprintln(&got, line)
		p, err := approval.Load(mapFS(broken(t, line)))
		var all risk.ParseErrors
		if p != nil || !errors.As(err, &all) {
			t.Errorf("%s: it was accepted, or refused without saying where: %v", line, err)
		}
		for _, e := range all {
			fmt.Fprintf(&got, "    %v\n", e)
		}
	}
	if *update {
		if err := os.WriteFile(name, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want := strings.Split(string(data), "\n")
	for i, line := range strings.Split(got.String(), "\n") {
		if i >= len(want) || line != want[i] {
			t.Fatalf("%s:%d:\n got %s\nwant %s", name, i+1, line, want[min(i, len(want)-1)])
		}
	}
	if faults < 60 {
		t.Errorf("there are %d faults; expected 60 or more", faults)
	}
}

// small is a policy of as little as can be, in Go.
func small() approval.Definition {
	from := change.Date{Year: 2026, Month: 1, Day: 1}
	return approval.Definition{
		Name:     "small",
		Groups:   []approval.Group{{Name: "cab", Size: 3}},
		Services: []change.Service{{Name: "api", Team: "api", OnCall: "pd/api", Models: []change.Assignment{{Model: change.YouBuildItYouRunIt(), From: from}}}},
		Risk: risk.Definition{Levels: []risk.LevelDefinition{{Name: "low"}, {Name: "high", From: 10}}, Default: "high",
			Rules: []risk.Rule{{ID: "outage", Points: 10, When: "change.downtime", Because: "users will notice"}}},
		Authority: approval.Authority{Default: []approval.Need{{Group: "cab", Quorum: 2}}},
	}
}

// TestDigest: files and Go give the same digest, layout and comments do not
// matter, and whatever else is edited does.
func TestDigest(t *testing.T) {
	text := map[string]string{
		"policy.yaml":   "version: 1\nname: small\ngroups: {cab: {members: 3}}\n",
		"services.yaml": "api: {team: api, on-call: pd/api, model: [{is: you-build-it-you-run-it, from: 2026-01-01}]}\n",
		"risk.yaml": "# a comment\nlevels:\n  low: 0\n  high: 10\ndefault: high\nrules:\n  - id: outage\n    because: users will notice\n" +
			"    when: >-\n      change.downtime\n    points: 10 # as agreed\n",
		"authority.yaml": "default: [{group: cab, quorum: 2}]\n",
	}
	loaded, err := approval.Load(mapFS(text))
	if err != nil {
		t.Fatal(err)
	}
	if built := made(t, small()); loaded.Digest() != built.Digest() || loaded.Rules().Digest() != built.Rules().Digest() {
		t.Errorf("from files %s, from Go %s", loaded.Digest(), built.Digest())
	}
	digest, accepted := made(t, base(t)).Digest(), 0
	for _, name := range []string{"policy.yaml", "services.yaml", "risk.yaml", "catalogue.yaml", "authority.yaml", "calendar.yaml"} {
		for i, r := range files()[name] {
			to := "x"
			switch {
			case r >= '0' && r <= '8':
				to = string(r + 1)
			case r < 'a' || r > 'z' || i%29 != 0:
				continue
			}
			edited := files()
			edited[name] = edited[name][:i] + to + edited[name][i+1:]
			p, err := approval.Load(mapFS(edited))
			if err != nil {
				continue
			}
			if accepted++; p.Digest() == digest {
				t.Errorf("%s: with %q for %q at %d the digest is the same", name, to, r, i)
			}
		}
	}
	if accepted < 50 {
		t.Errorf("only %d edits were accepted", accepted)
	}
}

// FuzzLoad edits the policy: it loads, or there are faults, each of a file.
func FuzzLoad(f *testing.F) {
	names := []string{"policy.yaml", "services.yaml", "risk.yaml", "catalogue.yaml", "authority.yaml", "calendar.yaml", "attributes.schema.json"}
	f.Add(uint8(2), uint16(30), uint8(0), "x")
	f.Add(uint8(4), uint16(20), uint8(9), "- {any: []}")
	f.Add(uint8(6), uint16(0), uint8(0), attributes)
	f.Add(uint8(6), uint16(0), uint8(0), `{"type": "object"}`)
	f.Add(uint8(5), uint16(100), uint8(40), "\x00")
	f.Add(uint8(1), uint16(0), uint8(255), "")
	f.Fuzz(func(t *testing.T, which uint8, at uint16, remove uint8, insert string) {
		edited, name := files(), names[int(which)%len(names)]
		text := edited[name]
		from := min(int(at), len(text))
		edited[name] = text[:from] + insert + text[min(from+int(remove), len(text)):]
		if edited[name] == "" && name == "attributes.schema.json" {
			delete(edited, name)
		}
		p, err := approval.Load(mapFS(edited))
		var all risk.ParseErrors
		if (p == nil) != (err != nil) || err != nil && !errors.As(err, &all) {
			t.Fatalf("a policy %t and the error %v", p != nil, err)
		}
		if slices.ContainsFunc(all, func(e *risk.ParseError) bool {
			return e.File == "" && !strings.HasSuffix(e.Message, "is declared twice")
		}) {
			t.Errorf("a fault without a file: %v", all)
		}
		if p != nil && p.Classify(nil, approval.Inputs{At: monday}).Type != change.Unclassified {
			t.Error("nothing was classified")
		}
	})
}
