package approval_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// FuzzClassifyJSON: whatever the bytes are, ClassifyJSON gives the line that
// Decode, Classify and encoding/json give of them, the same again when it is
// asked again, and of the canonical bytes of the change that was read.
func FuzzClassifyJSON(f *testing.F) {
	p, err := approval.Load(mapFS(files()))
	if err != nil {
		f.Fatal(err)
	}
	for _, edit := range []struct{ old, new string }{
		{"", ""}, {"{", "{\"id\": \"CHG-2\","}, {"\"id\"", "\"ID\""}, {"code", "cots"}, {"{", "[{"}, {"1", "1e400"}, {"1", "-0"}, {"1", "9007199254740993"},
		{"\"", "\"\\ud800"}, {"\"", "\"\xff"}, {"payments-api", "nobody"}, {"{", "{\"attributes\": {\"seats\": 1, \"note\": \"<&>\\u2028\"},"},
		{"{", "{\"window\": {\"start\": \"2026-11-23T11:00:00+01:00\", \"end\": \"2026-11-23T13:00:00Z\"},"}, {"{", "{\"emergency\": {\"incident\": \"INC-1\", \"reason\": \"down\"},"},
		{"{", strings.Repeat("{\"a\":", 70)}, {"{", "{\"attested\": [{\"by\": \"ci\", \"covers\": [\"files\"]}],"}, {"{", "{\"score\": 0,"},
	} {
		f.Add([]byte(strings.Replace(regular, edit.old, edit.new, 1)), true, int64(0))
		f.Add([]byte(strings.Replace(regular, edit.old, edit.new, 1)), false, int64(40_000))
	}
	f.Add([]byte(nil), false, int64(0))
	f.Add([]byte(regular+regular), true, int64(1))
	f.Fuzz(func(t *testing.T, data []byte, attested bool, minutes int64) {
		opts, in := &change.DecodeOptions{Attested: attested}, approval.Inputs{At: monday.Add(time.Duration(minutes%1_000_000) * time.Minute)}
		got := p.ClassifyJSON(data, opts, in)
		c, err := change.Decode(data, opts)
		want := p.Unclassified("", in.At, err)
		if err == nil {
			want = p.Classify(c, in)
		}
		line, err := approval.OracleLine(want)
		if err != nil {
			t.Fatal(err)
		}
		for _, again := range []approval.Classification{got, p.ClassifyJSON(bytes.Clone(data), opts, in)} {
			if text, err := again.AppendJSON(nil); err != nil || !bytes.Equal(text, line) {
				t.Fatalf("%q: %v\n%s\nwant\n%s", data, err, text, line)
			}
		}
		if want.Err != nil {
			if got.Err == nil || got.Type != change.Unclassified {
				t.Fatalf("%q: %s, %v", data, got.Type, got.Err)
			}
			return
		}
		canonical, err := c.Canonical()
		if err != nil {
			t.Fatal(err)
		}
		stored := p.ClassifyJSON(canonical, opts, in)
		if text, err := stored.AppendJSON(nil); err != nil || !bytes.Equal(text, line) {
			t.Fatalf("of the canonical bytes: %v\n%s\nwant\n%s", err, text, line)
		}
	})
}
