package policyfile

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// TestHostileBytes has what does not show in a text file.
func TestHostileBytes(t *testing.T) {
	rule := func(text string) string { return "- id: q\n  because: " + text + "\n" }
	for _, c := range []struct{ name, text, want string }{
		{"byte order mark", "\ufeff- id: q\n", "f:1:1: the file begins with an invisible byte order mark; save it as UTF-8 without BOM"},
		{"UTF-16", "\xff\xfe-\x00", "f:1:1: the file is in UTF-16; save it as UTF-8"},
		{"UTF-16 big", "\xfe\xff\x00-", "f:1:1: the file is in UTF-16; save it as UTF-8"},
		{"Latin-1", rule("M\xfcller"), "f:2:13: byte 0xFC is not UTF-8; save the file as UTF-8"},
		{"cut character", rule("x\xe2\x82"), "f:2:13: byte 0xE2 is not UTF-8; save the file as UTF-8"},
		{"surrogate", rule("\xed\xa0\x80"), "f:2:12: byte 0xED is not UTF-8; save the file as UTF-8"},
		{"bad byte begins a line", "- id: q\n\xff", "f:2:1: byte 0xFF is not UTF-8; save the file as UTF-8"},
		{"NUL", rule("a\x00b"), "f:2:13: the control character U+0000 stands here; remove it"},
		{"escape", rule("\x1b[31m"), "f:2:12: the control character U+001B stands here; remove it"},
		{"DEL", rule("a\x7f"), "f:2:13: the control character U+007F stands here; remove it"},
		{"C1", rule("a\u009b"), "f:2:13: the control character U+009B stands here; remove it"},
		{"in a comment", "# a\x07\n- id: q\n", "f:1:4: the control character U+0007 stands here; remove it"},
		{"next line", rule("a\u0085b"), "f:2:13: the line separator U+0085 stands here; remove it"},
		{"line separator", rule("a\u2028b"), "f:2:13: the line separator U+2028 stands here; remove it"},
		{"right to left", rule("a\u202eb"), "f:2:13: the invisible character U+202E stands here; remove it"},
		{"isolate", rule("a\u2066b"), "f:2:13: the invisible character U+2066 stands here; remove it"},
		{"zero width space", rule("a\u200bb"), "f:2:13: the invisible character U+200B stands here; remove it"},
		{"soft hyphen", rule("a\u00adb"), "f:2:13: the invisible character U+00AD stands here; remove it"},
		{"late byte order mark", rule("a\ufeffb"), "f:2:13: the invisible character U+FEFF stands here; remove it"},
		{"no-break space", "- id: q\n\u00a0\u00a0when: a\n", "f:2:1: the special space U+00A0 stands here; replace it with an ordinary space\nf:2:2: the special space U+00A0 stands here; replace it with an ordinary space"},
		{"noncharacter", rule("a\uffffb"), "f:2:13: the control character U+FFFF stands here; remove it"},
		{"old Mac", "- id: q\r  when: a\r", "f:1:8: there is a carriage return inside this line; save the file with ordinary line ends\nf:1:18: there is a carriage return inside this line; save the file with ordinary line ends"},
		{"accents and emoji are fine", rule("Müller 界 😀"), ""},
		{"escaped no-break space is fine", rule(`"«\_x\u00a0»"`), ""},
		{"too large", "#" + strings.Repeat("x", maxBytes), "f:1:1: the file has 262145 bytes; a policy file may have at most 262144: split it"},
		{"as large as may be", "- id: q\n#" + strings.Repeat("x", maxBytes-9), ""},
		{"too deep by brackets", strings.Repeat("[", 33) + strings.Repeat("]", 33), "f:1:33: " + tooDeep},
		{"too deep by indentation", "- id: q\n  paths:\n    " + strings.Repeat("- ", 31) + "x", "f:3:65: " + tooDeep},
		{"too deep together", strings.Repeat("- ", 20) + strings.Repeat("[", 13) + strings.Repeat("]", 13), "f:1:3: a rule must be a mapping, with lines such as \"name: value\", not a list\nf:1:53: " + tooDeep},
		{"bomb of brackets", strings.Repeat("[", maxBytes), "f:1:33: " + tooDeep},
		{"too many values", "[" + strings.Repeat("a,", maxNodes) + "]", "f:1:1: the file has more than 50000 values; split it"},
	} {
		var errs Errors
		readPolicy("f", []byte(c.text), &errs)
		if got := sentences(&errs); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

func TestDepthLimitIsReachable(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth),
		strings.Repeat("- ", maxDepth) + "x",
		strings.Repeat("- ", maxDepth-10) + strings.Repeat("[", 10) + strings.Repeat("]", 10),
	} {
		var errs Errors
		if Parse("f", []byte(text), &errs) == nil || errs.Len() > 0 {
			t.Errorf("%s: %v", text, errs.All())
		}
	}
	var errs Errors
	if Parse("f", []byte("["+strings.Repeat("a,", maxNodes-1)+"]"), &errs) == nil || errs.Len() > 0 {
		t.Errorf("%d values: %v", maxNodes, errs.All())
	}
}

func TestTree(t *testing.T) {
	var errs Errors
	root := Parse("s.yaml", []byte("pay: {tier: 1.10, 'on-call': [yes, \"no\", 010]}\nled:\n  team: >-\n    a\n    b\n"), &errs)
	if errs.Len() > 0 {
		t.Fatal(errs.All())
	}
	want := `Mapping s.yaml:1:1 {pay s.yaml:1:1: Mapping s.yaml:1:6 {tier s.yaml:1:7: "1.10" s.yaml:1:13, on-call s.yaml:1:19: Sequence s.yaml:1:30 ["yes" s.yaml:1:31, "no" quoted s.yaml:1:36, "010" s.yaml:1:42]}, ` +
		`led s.yaml:2:1: Mapping s.yaml:3:3 {team s.yaml:3:3: "a b" quoted s.yaml:3:9}}`
	if got := draw(root); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func draw(n *Node) string {
	var parts []string
	switch n.Kind {
	case Sequence:
		for _, item := range n.Items {
			parts = append(parts, draw(item))
		}
		return fmt.Sprintf("Sequence %v [%s]", n.Pos, strings.Join(parts, ", "))
	case Mapping:
		for _, f := range n.Fields {
			parts = append(parts, fmt.Sprintf("%s %v: %s", f.Name, f.Pos, draw(f.Value)))
		}
		return fmt.Sprintf("Mapping %v {%s}", n.Pos, strings.Join(parts, ", "))
	}
	if n.Quoted {
		return fmt.Sprintf("%q quoted %v", n.Text, n.Pos)
	}
	return fmt.Sprintf("%q %v", n.Text, n.Pos)
}

func TestReadersGiveWhatIsWritten(t *testing.T) {
	var errs Errors
	root := Parse("f", []byte("text: ' a  b '\nnull-text: \"null\"\nint: -100\nzero: 0\nyes: true\nno: false\nword: cots\none: x\nmany: [x, y]\nnone: []\nwhen: |\n  a\n  or b\n"), &errs)
	o := root.Object(&errs, "a thing", "text", "null-text", "int", "zero", "yes", "no", "word", "one", "many", "none", "when", "absent")
	got := []any{
		o.Get("text").String(&errs, "text"), o.Get("null-text").String(&errs, "null-text"), o.Get("int").Int(&errs, "int", -100, 100), o.Get("zero").Int(&errs, "zero", 0, 0),
		o.Get("yes").Bool(&errs, "yes"), o.Get("no").Bool(&errs, "no"), o.Get("word").Word(&errs, "word", "digital", "cots"),
		o.Get("one").Strings(&errs, "one"), o.Get("many").Strings(&errs, "many"), o.Get("none").Strings(&errs, "none"), o.Get("when").Expression(&errs, "when"),
		o.Has("text"), o.Has("absent"), o.Pos().String(), len(o.Get("many").List(&errs, "many")), len(root.Entries(&errs, "all")),
	}
	want := []any{" a  b ", "null", -100, 0, true, false, "cots", []string{"x"}, []string{"x", "y"}, []string(nil), "a\nor b\n", true, false, "f:1:1", 2, 11}
	if errs.Len() > 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("got  %#v\nwant %#v\nfaults %v", got, want, errs.All())
	}
}

// TestAbsentAndRefused: neither an absent value nor one that was refused
// already may cause a panic or a second fault.
func TestAbsentAndRefused(t *testing.T) {
	var parsed Errors
	refused := Parse("f", []byte("a: !b {c: d}"), &parsed).Fields[0].Value
	if parsed.Len() != 1 {
		t.Fatal(parsed.All())
	}
	for name, n := range map[string]*Node{"absent": nil, "refused": refused} {
		var errs Errors
		o := n.Object(&errs, "a thing", "x")
		got := []any{
			n.String(&errs, "x"), n.Int(&errs, "x", 1, 2), n.Bool(&errs, "x"), n.Word(&errs, "x", "y"), n.Strings(&errs, "x"), n.Expression(&errs, "x"),
			n.List(&errs, "x"), n.Entries(&errs, "x"), o.Has("c"), o.Get("c"), o.Need("c"), o.Pos(), Object{}.Need("c"),
		}
		want := []any{"", 0, false, "", []string(nil), "", []*Node(nil), []Field(nil), false, (*Node)(nil), (*Node)(nil), Pos{}, (*Node)(nil)}
		if !reflect.DeepEqual(got, want) || errs.Len() != 0 {
			t.Errorf("%s: got %#v, faults %v", name, got, errs.All())
		}
	}
}

func TestErrors(t *testing.T) {
	var errs Errors
	if errs.Len() != 0 || len(errs.All()) != 0 {
		t.Error("the zero value is not empty")
	}
	errs.Addf(Pos{"b.yaml", 1, 1}, "one")
	errs.Addf(Pos{"a.yaml", 10, 1}, "two")
	errs.Addf(Pos{"a.yaml", 9, 5}, "three %d", 3)
	errs.Addf(Pos{"a.yaml", 9, 4}, "four")
	errs.Addf(Pos{"a.yaml", 9, 5}, "first added, first shown")
	errs.Addf(Pos{"a.yaml", 9, 5}, "three 3")
	errs.Addf(Pos{}, "built")
	errs.Addf(Pos{File: "a.yaml"}, "whole file")
	want := "policy: built\na.yaml: whole file\na.yaml:9:4: four\na.yaml:9:5: three 3\na.yaml:9:5: first added, first shown\na.yaml:10:1: two\nb.yaml:1:1: one"
	if got := sentences(&errs); got != want || errs.Len() != 8 {
		t.Errorf("%d faults:\n%s\nwant\n%s", errs.Len(), got, want)
	}
}

func TestErrorsAreCapped(t *testing.T) {
	for _, c := range []struct {
		faults, listed int
		last           string
	}{{100, 100, "f:100:1: fault"}, {101, 101, "f:101:1: and 1 more"}, {250, 101, "f:101:1: and 150 more"}} {
		var errs Errors
		for range 2 {
			for line := c.faults; line > 0; line-- {
				errs.Addf(Pos{"f", line, 1}, "fault")
			}
		}
		all := errs.All()
		if len(all) != c.listed || all[len(all)-1].Error() != c.last {
			t.Errorf("%d faults: %d listed, last %v", c.faults, len(all), all[len(all)-1])
		}
	}
}

// TestHostileSizes would hang where the work grew with the square of the size:
// large documents of one shape each are refused, with places inside them.
func TestHostileSizes(t *testing.T) {
	for _, unit := range []string{"[", "{", "- ", "? ", "a: #\n", "#\n\n", "- #c\n", "\t", "&a ", "- *a\n", "a,", "- a\n  # c\n", "\"", "''", ": ", "- !!int x\n", "- \"\\u200b\"\n", "\r\n", "\r", "\x00", "---\n", "%\n", "- a:\n    # c\n\n"} {
		var errs Errors
		text := strings.Repeat(unit, maxBytes/4/len(unit))
		readPolicy("f", []byte(text), &errs)
		if len(errs.All()) == 0 {
			t.Errorf("%q over and over is accepted", unit)
		}
		checkPlaces(t, "f", text, &errs)
	}
}

func FuzzParse(f *testing.F) {
	for _, path := range []string{"testdata/expressions.txt", "testdata/values.txt", "testdata/fields.txt", "testdata/notation.txt"} {
		for _, d := range readArchive(f, path) {
			f.Add([]byte(d.text))
		}
	}
	f.Add([]byte("a: \"\\x41\\\n  b\\U0001F600\"\r\nc: |2-\r\n   d\r\n\r\n"))
	f.Add([]byte("\xff\xfe"))
	f.Fuzz(func(t *testing.T, data []byte) {
		text := string(data)
		var errs Errors
		root := Parse("f", data, &errs)
		if root == nil && errs.Len() == 0 {
			t.Fatal("nothing read, and no fault")
		}
		readPolicy("f", data, &errs)
		checkPlaces(t, "f", strings.ToValidUTF8(text, "?"), &errs)
		if root != nil {
			checkTree(t, root, text)
		}
	})
}

// checkTree is the property that every node, and every place within one, lies
// inside the file and not before the node.
func checkTree(t *testing.T, n *Node, text string) {
	if !inside(n.Pos, "f", text) {
		t.Fatalf("node outside the file: %v", n.Pos)
	}
	for _, item := range n.Items {
		checkTree(t, item, text)
	}
	for _, field := range n.Fields {
		if !inside(field.Pos, "f", text) || field.Name == "" {
			t.Fatalf("field outside the file: %v %q", field.Pos, field.Name)
		}
		checkTree(t, field.Value, text)
	}
	for _, place := range [][2]int{{1, 1}, {1, 3}, {2, 1}, {3, 2}, {9, 9}} {
		p := n.Within(place[0], place[1])
		if !inside(p, "f", text) || p.compare(n.Pos) < 0 {
			t.Fatalf("Within(%d, %d) of %q at %v is %v", place[0], place[1], n.Text, n.Pos, p)
		}
	}
}
