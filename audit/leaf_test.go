package audit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/audit"
)

// golden is the event of the golden files, which were not made by this
// package but by another program, after the package documentation.
func golden() (audit.Event, []audit.SaltedField) {
	e := audit.Event{
		Key:      audit.Key{Tenant: "acme", Kind: "case", ID: "zahlung-ü 7"},
		Seq:      2,
		Prev:     sha256.Sum256([]byte("the event before")),
		Type:     "case.voted/1",
		Occurred: time.Date(2026, 3, 29, 1, 59, 59, 1, time.FixedZone("", 3600)),
		Recorded: time.Date(2026, 3, 29, 1, 0, 0, 5e8, time.UTC),
		Body:     []byte("{\"vote\":\"yes\",\"why\":\"line\nbreak\"}"),
	}
	fields := []audit.SaltedField{
		{Field: audit.Field{Name: "name", Value: []byte("Ann Ö\n")}},
		{Field: audit.Field{Name: "mail", Value: []byte("ann@example.com")}},
	}
	for i := range audit.SaltSize {
		fields[0].Salt[i], fields[1].Salt[i] = byte(32+i), byte(i)
	}
	return e, fields
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	must(t, err)
	return data
}

// INV-36: the bytes are promised for ever.
func TestGolden(t *testing.T) {
	e, fields := golden()
	l, err := audit.Seal(e, fields)
	must(t, err)
	if want := readFile(t, "testdata/leaf-v1.golden"); !bytes.Equal(l.Data, want) {
		t.Errorf("leaf:\n%s\nand not\n%s", l.Data, want)
	}
	if want := readFile(t, "testdata/openings-v1.golden"); !bytes.Equal(l.Openings, want) {
		t.Errorf("openings:\n%q\nand not\n%q", l.Openings, want)
	}
	o, err := audit.Open(l)
	must(t, err)
	hashes := fmt.Sprintf("leaf %s\n", audit.LeafHash(l.Data))
	for _, c := range o.Sealed {
		hashes += fmt.Sprintf("%s %s\n", c.Name, c.Hash)
	}
	if want := readFile(t, "testdata/hashes-v1.golden"); hashes != string(want) {
		t.Errorf("hashes:\n%s\nand not\n%s", hashes, want)
	}
	if name, ok := o.Get("name"); !ok || string(name) != "Ann Ö\n" || !o.Occurred.Equal(e.Occurred) || o.Occurred.Location() != time.UTC {
		t.Errorf("opened: %+v", o)
	}
}

func TestParseEventIsStrict(t *testing.T) {
	good := string(readFile(t, "testdata/leaf-v1.golden"))
	first := strings.Replace(strings.Replace(good, "seq 1:2", "seq 1:1", 1), "prev 44:TI7/kWtTfvsWYTxfBiUnW0Ko+l4d1OE4kOwZdgGWsDM=", "prev 44:"+strings.Repeat("A", 43)+"=", 1)
	if _, err := audit.ParseEvent([]byte(first)); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, old, new, what string }{
		{"version", "event/v1", "event/v2", "does not begin"},
		{"no header", "changelane/event/v1\n", "", "does not begin"},
		{"order", "kind 4:case\nid 12:zahlung-ü 7\n", "id 12:zahlung-ü 7\nkind 4:case\n", "the field kind is not here"},
		{"missing", "kind 4:case\n", "", "the field kind is not here"},
		{"doubled", "kind 4:case\n", "kind 4:case\nkind 4:case\n", "the field id is not here"},
		{"length with zero", "kind 4:case", "kind 04:case", "length of kind"},
		{"length with sign", "kind 4:case", "kind +4:case", "length of kind"},
		{"length with space", "kind 4:case", "kind  4:case", "length of kind"},
		{"no length", "kind 4:case", "kind :case", "length of kind"},
		{"too short", "kind 4:case", "kind 3:case", "end of a line"},
		{"too long", "kind 4:case", "kind 5:case", "end of a line"},
		{"far too long", "kind 4:case", "kind 9999999:case", "end of a line"},
		{"longer than any", "kind 4:case", "kind 99999999:case", "length of kind"},
		{"empty name", "kind 4:case", "kind 0:", "kind is not in its form"},
		{"control character", "kind 4:case", "kind 4:ca\ne", "kind is not in its form"},
		{"C1 control character", "kind 4:case", "kind 4:ca\u0085", "kind is not in its form"},
		{"bad UTF-8", "kind 4:case", "kind 4:cas\xff", "kind is not in its form"},
		{"long name", "kind 4:case", "kind 257:" + strings.Repeat("x", 257), "kind is not in its form"},
		{"seq zero", "seq 1:2", "seq 1:0", "seq is not a decimal number"},
		{"seq with zero", "seq 1:2", "seq 2:02", "seq is not a decimal number"},
		{"seq with sign", "seq 1:2", "seq 2:+2", "seq is not a decimal number"},
		{"seq of 64 bits", "seq 1:2", "seq 19:9223372036854775808", "seq is not a decimal number"},
		{"first with prev", "seq 1:2", "seq 1:1", "zero for the first"},
		{"prev with other bits", "sDM=\n", "sDN=\n", "prev is not a hash"},
		{"prev short", "prev 44:TI7/", "prev 43:I7/", "prev is not a hash"},
		{"prev with a line break", "prev 44:TI7/", "prev 44:TI7\n", "prev is not a hash"},
		{"type without version", "case.voted/1", "case.voted.1", "type is not"},
		{"type version", "case.voted/1", "case.voted/0", "type is not"},
		{"type case", "case.voted/1", "case.Voted/1", "type is not"},
		{"type word", "12:case.voted/1", "12:case..oted/1", "type is not"},
		{"type digit", "case.voted/1", "case.9oted/1", "type is not"},
		{"type slash", "case.voted/1", "case/voted/1", "type is not"},
		{"time offset", "22:2026-03-29T01:00:00.5Z", "25:2026-03-29T01:00:00+00:00", "recorded is not"},
		{"time zeros", "22:2026-03-29T01:00:00.5Z", "23:2026-03-29T01:00:00.50Z", "recorded is not"},
		{"time comma", "01:00:00.5Z", "01:00:00,5Z", "recorded is not"},
		{"time too early", "22:2026", "22:1970", "recorded is not"},
		{"time too late", "22:2026", "22:2199", "recorded is not"},
		{"no such day", "22:2026-03-29", "22:2026-02-29", "recorded is not"},
		{"order of commitments", "49:mail", "49:zail", "order of their names"},
		{"commitment twice", "49:name", "49:mail", "order of their names"},
		{"commitment name", "49:mail", "49:Mail", "name of a field"},
		{"commitment hash", "sealed 49:mail=2vET9", "sealed 49:mail=2vE=9", "sealed is not a hash"},
		{"after the end", "break\"}\n", "break\"}\n\n", "nothing may come after"},
		{"cut", "break\"}\n", "break\"}", "end of a line"},
		{"carriage return", "kind 4:case\n", "kind 4:case\r\n", "end of a line"},
	}
	for _, test := range tests {
		bad := strings.Replace(good, test.old, test.new, 1)
		_, err := audit.ParseEvent([]byte(bad))
		if bad == good {
			t.Errorf("%s changes nothing", test.name)
		}
		wrong, ok := errors.AsType[*audit.FormatError](err)
		if !ok || !strings.Contains(wrong.What, test.what) || wrong.At < 0 || wrong.At > len(bad) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	_, err := audit.ParseEvent([]byte(strings.Replace(good, "case.voted", "case.Voted", 1)))
	if want := fmt.Sprintf("event, byte %d: type is not in its form", strings.Index(good, "case.voted/1")); err == nil || err.Error() != want {
		t.Errorf("%v, and not %s", err, want)
	}
	if _, err := audit.ParseEvent(make([]byte, audit.MaxLeaf+1)); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Error(err)
	}
}

// Nothing shorter and nothing with one byte changed is an event, but where the
// byte is a part of a value that may be another.
func TestParseEventOfPrefixes(t *testing.T) {
	good := readFile(t, "testdata/leaf-v1.golden")
	for n := range good {
		if _, err := audit.ParseEvent(good[:n]); err == nil {
			t.Errorf("the first %d bytes are an event", n)
		}
	}
}

func TestFormatRefuses(t *testing.T) {
	tests := []struct {
		name string
		edit func(e *audit.Event)
		what string
	}{
		{"tenant", func(e *audit.Event) { e.Key.Tenant = "" }, "tenant"},
		{"kind", func(e *audit.Event) { e.Key.Kind = "a\tb" }, "kind"},
		{"id", func(e *audit.Event) { e.Key.ID = strings.Repeat("x", audit.MaxName+1) }, "id"},
		{"seq", func(e *audit.Event) { e.Seq = 0 }, "from 1"},
		{"seq of 64 bits", func(e *audit.Event) { e.Seq = math.MaxInt64 + 1 }, "63 bits"},
		{"no prev", func(e *audit.Event) { e.Prev = audit.Hash{} }, "zero for the first"},
		{"type", func(e *audit.Event) { e.Type = "voted" }, "type"},
		{"long type", func(e *audit.Event) { e.Type = strings.Repeat("x", audit.MaxName+1) + "/1" }, "type"},
		{"occurred", func(e *audit.Event) { e.Occurred = time.Time{} }, "1971 to 2198"},
		{"recorded", func(e *audit.Event) { e.Recorded = time.Date(2199, 1, 1, 0, 0, 0, 0, time.UTC) }, "1971 to 2198"},
		{"commitments", func(e *audit.Event) { e.Sealed = []audit.Commitment{{Name: "b"}, {Name: "a"}} }, "in order"},
		{"commitment twice", func(e *audit.Event) { e.Sealed = []audit.Commitment{{Name: "a"}, {Name: "a"}} }, "in order"},
		{"commitment name", func(e *audit.Event) { e.Sealed = []audit.Commitment{{Name: "9"}} }, "in order"},
		{"size", func(e *audit.Event) { e.Body = make([]byte, audit.MaxLeaf-100) }, "more than"},
	}
	for _, test := range tests {
		e, _ := golden()
		test.edit(&e)
		_, err := e.Format()
		if !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), test.what) || len(err.Error()) > 500 {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestSealRefuses(t *testing.T) {
	e, fields := golden()
	for name, bad := range map[string][]audit.SaltedField{
		"twice": append(fields, fields[0]),
		"name":  {{Field: audit.Field{Name: "Mail"}}},
		"long":  {{Field: audit.Field{Name: "a" + strings.Repeat("b", 64)}}},
		"size":  {{Field: audit.Field{Name: "a", Value: make([]byte, audit.MaxLeaf)}}},
		"sizes": {{Field: audit.Field{Name: "a", Value: make([]byte, audit.MaxLeaf-100)}}, {Field: audit.Field{Name: "b", Value: make([]byte, 20)}}},
	} {
		if _, err := audit.Seal(e, bad); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	e.Sealed = []audit.Commitment{{Name: "mail"}}
	if _, err := audit.Seal(e, nil); !errors.Is(err, audit.ErrInvalid) {
		t.Error(err)
	}
}

func TestParseOpeningsIsStrict(t *testing.T) {
	good := string(readFile(t, "testdata/openings-v1.golden"))
	for _, test := range []struct{ name, old, new, what string }{
		{"version", "openings/v1", "openings/v2", "does not begin"},
		{"nothing", good[len("changelane/openings/v1\n"):], "", "the field open is not here"},
		{"order", "open 4:mail", "open 4:zail", "in order"},
		{"name", "open 4:mail", "open 4:Mail", "open is not in its form"},
		{"salt", "salt 32:\x00", "salt 31:", "a salt has 32 bytes"},
		{"cut", "Ö\n\n", "Ö\n", "end of a line"},
		{"more", "Ö\n\n", "Ö\n\n\n", "the field open is not here"},
	} {
		_, err := audit.ParseOpenings([]byte(strings.Replace(good, test.old, test.new, 1)))
		if wrong, ok := errors.AsType[*audit.FormatError](err); !ok || !strings.Contains(wrong.What, test.what) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	if f, err := audit.ParseOpenings(nil); f != nil || err != nil {
		t.Error(f, err)
	}
}

func TestOpen(t *testing.T) {
	e, fields := golden()
	sealed, err := audit.Seal(e, fields)
	must(t, err)
	openings := func(fields ...audit.SaltedField) []byte {
		b, err := audit.FormatOpenings(fields)
		must(t, err)
		return b
	}
	name, mail := fields[0], fields[1]
	for label, test := range map[string]struct {
		openings []byte
		erased   []string
		what     string
	}{
		"all":        {openings(mail, name), nil, ""},
		"one erased": {openings(name), []string{"mail"}, ""},
		"the other":  {openings(mail), []string{"name"}, ""},
		"all erased": {nil, []string{"mail", "name"}, ""},
		"no bytes":   {[]byte{}, []string{"mail", "name"}, ""},
		"value":      {openings(audit.SaltedField{Field: audit.Field{Name: "mail", Value: []byte("x")}, Salt: mail.Salt}, name), nil, "mail is not the one"},
		"salt":       {openings(audit.SaltedField{Field: mail.Field}, name), nil, "mail is not the one"},
		"unasked":    {openings(mail, name, audit.SaltedField{Field: audit.Field{Name: "phone"}}), nil, "no commitment to the personal datum phone"},
		"unasked before": {openings(audit.SaltedField{Field: audit.Field{Name: "born"}}, mail, name), nil,
			"no commitment to the personal datum born"},
	} {
		o, err := audit.Open(audit.Leaf{Data: sealed.Data, Openings: test.openings})
		if test.what == "" {
			if err != nil || !reflect.DeepEqual(o.Erased, test.erased) || len(o.Personal)+len(o.Erased) != 2 {
				t.Errorf("%s: %+v, %v", label, o, err)
			}
			for _, gone := range test.erased {
				if _, ok := o.Get(gone); ok {
					t.Errorf("%s: %s is still there", label, gone)
				}
			}
			continue
		}
		tampered, ok := errors.AsType[*audit.TamperedError](err)
		if !ok || !errors.Is(err, audit.ErrTampered) || tampered.Seq != 2 || !strings.Contains(tampered.What, test.what) {
			t.Errorf("%s: %v", label, err)
		}
	}
	if _, err := audit.Open(audit.Leaf{Data: sealed.Data, Openings: []byte("x")}); err == nil {
		t.Error("openings that cannot be read were opened")
	}
}

// naiveLeaf is the documentation of the package, read again.
func naiveLeaf(e audit.Event) []byte {
	var b bytes.Buffer
	b.WriteString("changelane/event/v1\n")
	field := func(label, value string) { fmt.Fprintf(&b, "%s %d:%s\n", label, len(value), value) }
	field("tenant", e.Key.Tenant)
	field("kind", e.Key.Kind)
	field("id", e.Key.ID)
	field("seq", fmt.Sprint(e.Seq))
	field("prev", base64.StdEncoding.EncodeToString(e.Prev[:]))
	field("type", e.Type)
	for i, at := range []time.Time{e.Occurred, e.Recorded} {
		text := at.UTC().Format("2006-01-02T15:04:05")
		if n := at.Nanosecond(); n != 0 {
			text += "." + strings.TrimRight(fmt.Sprintf("%09d", n), "0")
		}
		field([]string{"occurred", "recorded"}[i], text+"Z")
	}
	for _, c := range e.Sealed {
		field("sealed", c.Name+"="+base64.StdEncoding.EncodeToString(c.Hash[:]))
	}
	field("body", string(e.Body))
	return b.Bytes()
}

// randomEvent makes events that are often alike but for one small thing.
func randomEvent(r *rand.Rand) audit.Event {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	e := audit.Event{
		Key:      audit.Key{Tenant: pick("a", "ab", "a\u00a0"), Kind: pick("b", "ab", "4:b"), ID: pick("c", "id 1:c", "body 1:x")},
		Seq:      uint64(1 + r.IntN(3)),
		Type:     pick("a/1", "a.b/1", "a-b/12"),
		Occurred: noon.Add(time.Duration(r.IntN(3)) * 500 * time.Millisecond),
		Recorded: noon.Add(time.Duration(r.IntN(3))),
		Body:     []byte(pick("", "\n", "body 0:\n", "{}")),
	}
	if e.Seq > 1 {
		e.Prev[r.IntN(32)] = byte(1 + r.IntN(2))
	}
	for _, name := range []string{"a", "a-", "b"} {
		if r.IntN(2) == 0 {
			e.Sealed = append(e.Sealed, audit.Commitment{Name: name, Hash: audit.Hash{byte(r.IntN(2))}})
		}
	}
	return e
}

// INV-36: the form is as documented, is read back, and no two events share it.
func TestLeafProperties(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[string]audit.Event{}
	for range 3000 {
		e := randomEvent(r)
		data, err := e.Format()
		must(t, err)
		if !bytes.Equal(data, naiveLeaf(e)) {
			t.Fatalf("%s\nis not as documented:\n%s", data, naiveLeaf(e))
		}
		back, err := audit.ParseEvent(data)
		must(t, err)
		if !reflect.DeepEqual(back, e) {
			t.Fatalf("%+v\nwas read back as\n%+v", e, back)
		}
		if same, known := seen[string(data)]; known && !reflect.DeepEqual(same, e) {
			t.Fatalf("two events with the same bytes:\n%+v\n%+v", same, e)
		}
		seen[string(data)] = e
	}
	if len(seen) < 2000 {
		t.Errorf("only %d different events", len(seen))
	}
}

func TestAppend(t *testing.T) {
	k := caseKey("acme", "x")
	draft := audit.Draft{Type: "case.opened/1", Occurred: noon, Recorded: noon, Body: []byte("{}"), Personal: []audit.Field{{Name: "who", Value: []byte("ann")}}}
	lists := []audit.Listing{{List: "b"}, {List: "a", Sort: "2"}, {List: "a", Sort: "1"}}
	w, err := audit.Append(audit.Record{Key: k}, []byte("s"), lists, draft, draft)
	must(t, err)
	if lists[0].List != "b" || w.Lists[0].Sort != "1" || w.Lists[2].List != "b" {
		t.Errorf("the lists are sorted in a copy: %v, %v", lists, w.Lists)
	}
	if bytes.Equal(w.Events[0].Openings, w.Events[1].Openings) {
		t.Error("two events have the same salt")
	}
	more, err := audit.Append(audit.Record{Key: k, Version: 2, Head: w.Head}, nil, nil, draft)
	must(t, err)
	r := audit.Record{Key: k, Version: 3, Head: more.Head}
	var entries []audit.Entry
	for i, l := range append(w.Events, more.Events...) {
		entries = append(entries, audit.Entry{Key: k, Seq: uint64(i + 1), Leaf: l})
	}
	opened, err := audit.OpenChain(r, entries)
	must(t, err)
	if v, ok := opened[2].Get("who"); !ok || string(v) != "ann" || opened[2].Seq != 3 {
		t.Errorf("%+v", opened[2])
	}
	for name, bad := range map[string]func() (audit.Write, error){
		"no event": func() (audit.Write, error) { return audit.Append(audit.Record{Key: k}, nil, nil) },
		"no head":  func() (audit.Write, error) { return audit.Append(audit.Record{Key: k, Version: 1}, nil, nil, draft) },
		"head":     func() (audit.Write, error) { return audit.Append(audit.Record{Key: k, Head: w.Head}, nil, nil, draft) },
		"no key":   func() (audit.Write, error) { return audit.Append(audit.Record{}, nil, nil, draft) },
		"list twice": func() (audit.Write, error) {
			return audit.Append(audit.Record{Key: k}, nil, []audit.Listing{{List: "a"}, {List: "a"}}, draft)
		},
		"version": func() (audit.Write, error) {
			return audit.Append(audit.Record{Key: k, Version: math.MaxUint64, Head: w.Head}, nil, nil, draft)
		},
		"state": func() (audit.Write, error) {
			return audit.Append(audit.Record{Key: k}, make([]byte, audit.MaxState+1), nil, draft)
		},
		"body": func() (audit.Write, error) {
			return audit.Append(audit.Record{Key: k}, nil, nil, audit.Draft{Type: "a/1", Occurred: noon, Recorded: noon, Body: make([]byte, audit.MaxLeaf+1)})
		},
		"backwards": func() (audit.Write, error) {
			later := draft
			later.Recorded = noon.Add(1)
			return audit.Append(audit.Record{Key: k}, nil, nil, later, draft)
		},
	} {
		if w, err := bad(); !errors.Is(err, audit.ErrInvalid) || w.Events != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOpenChainRefuses(t *testing.T) {
	k := caseKey("acme", "x")
	later := noon.Add(time.Second)
	d := func(at time.Time) audit.Draft { return audit.Draft{Type: "a/1", Occurred: at, Recorded: at} }
	w, err := audit.Append(audit.Record{Key: k}, nil, nil, d(noon), d(later), d(later))
	must(t, err)
	back, err := audit.Append(audit.Record{Key: k, Version: 3, Head: w.Head}, nil, nil, d(noon))
	must(t, err)
	other, err := audit.Append(audit.Record{Key: caseKey("acme", "y")}, nil, nil, d(noon))
	must(t, err)
	for name, test := range map[string]struct {
		edit func(r *audit.Record, e []audit.Entry) []audit.Entry
		seq  uint64
		what string
	}{
		"nothing":    {func(r *audit.Record, e []audit.Entry) []audit.Entry { return e }, 0, ""},
		"cut":        {func(r *audit.Record, e []audit.Entry) []audit.Entry { return e[:2] }, 3, "2 events where the record has 3 events"},
		"empty":      {func(r *audit.Record, e []audit.Entry) []audit.Entry { return nil }, 1, "0 events"},
		"no first":   {func(r *audit.Record, e []audit.Entry) []audit.Entry { return e[1:] }, 1, "it is event 2"},
		"hole":       {func(r *audit.Record, e []audit.Entry) []audit.Entry { return append(e[:1], e[2]) }, 2, "it is event 3"},
		"swap":       {func(r *audit.Record, e []audit.Entry) []audit.Entry { e[0], e[1] = e[1], e[0]; return e }, 1, "it is event 2"},
		"renumbered": {func(r *audit.Record, e []audit.Entry) []audit.Entry { e[1].Seq = 7; return e }, 2, "kept as event 7"},
		"kept under": {func(r *audit.Record, e []audit.Entry) []audit.Entry { e[1].Key.ID = "y"; return e }, 2, "kept under case \"y\""},
		"of another": {func(r *audit.Record, e []audit.Entry) []audit.Entry { e[0].Leaf = other.Events[0]; return e }, 1, "an event of case \"y\""},
		"head":       {func(r *audit.Record, e []audit.Entry) []audit.Entry { r.Head[0]++; return e }, 3, "not the head"},
		"version":    {func(r *audit.Record, e []audit.Entry) []audit.Entry { r.Version = 2; return e }, 3, "3 events"},
		"backwards": {func(r *audit.Record, e []audit.Entry) []audit.Entry {
			r.Version, r.Head = 4, back.Head
			return append(e, audit.Entry{Key: k, Seq: 4, Leaf: back.Events[0]})
		}, 4, "recorded before"},
		"no record, but a head": {func(r *audit.Record, e []audit.Entry) []audit.Entry { r.Version = 0; return nil }, 0, "not the head"},
	} {
		var entries []audit.Entry
		for i, l := range w.Events {
			entries = append(entries, audit.Entry{Key: k, Seq: uint64(i + 1), Leaf: l})
		}
		r := audit.Record{Key: k, Version: 3, Head: w.Head}
		entries = test.edit(&r, entries)
		o, err := audit.OpenChain(r, entries)
		if test.what == "" {
			if err != nil || len(o) != 3 {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		tampered, ok := errors.AsType[*audit.TamperedError](err)
		if !ok || !errors.Is(err, audit.ErrTampered) || tampered.Key != k || tampered.Seq != test.seq || !strings.Contains(tampered.What, test.what) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if o, err := audit.OpenChain(audit.Record{Key: k}, nil); err != nil || len(o) != 0 {
		t.Error("a record that does not exist has no events:", err)
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add(readFile(f, "testdata/leaf-v1.golden"))
	f.Add([]byte("changelane/event/v1\ntenant 1:a\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := audit.ParseEvent(data)
		if err != nil {
			if wrong, ok := errors.AsType[*audit.FormatError](err); !ok || wrong.At < 0 || wrong.At > len(data) {
				t.Fatalf("%v of %d bytes", err, len(data))
			}
			return
		}
		back, err := e.Format()
		if err != nil || !bytes.Equal(back, data) {
			t.Fatalf("%q became %q, %v", data, back, err)
		}
	})
}

func FuzzParseOpenings(f *testing.F) {
	f.Add(readFile(f, "testdata/openings-v1.golden"))
	f.Add([]byte("changelane/openings/v1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		fields, err := audit.ParseOpenings(data)
		if err != nil {
			return
		}
		if back, err := audit.FormatOpenings(fields); err != nil || !bytes.Equal(back, data) {
			t.Fatalf("%q became %q, %v", data, back, err)
		}
	})
}
