package schema

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unicode"
	"unicode/utf16"
)

// The samples of RFC 8785, appendix B, but for NaN and the infinities.
func TestNumbersOfRFC8785(t *testing.T) {
	for _, c := range []struct {
		bits uint64
		want string
	}{
		{0x0000000000000000, "0"},
		{0x8000000000000000, "0"},
		{0x0000000000000001, "5e-324"},
		{0x8000000000000001, "-5e-324"},
		{0x7fefffffffffffff, "1.7976931348623157e+308"},
		{0xffefffffffffffff, "-1.7976931348623157e+308"},
		{0x4340000000000000, "9007199254740992"},
		{0xc340000000000000, "-9007199254740992"},
		{0x4430000000000000, "295147905179352830000"},
		{0x44b52d02c7e14af5, "9.999999999999997e+22"},
		{0x44b52d02c7e14af6, "1e+23"},
		{0x44b52d02c7e14af7, "1.0000000000000001e+23"},
		{0x444b1ae4d6e2ef4e, "999999999999999700000"},
		{0x444b1ae4d6e2ef4f, "999999999999999900000"},
		{0x444b1ae4d6e2ef50, "1e+21"},
		{0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
		{0x3eb0c6f7a0b5ed8d, "0.000001"},
		{0x41b3de4355555553, "333333333.3333332"},
		{0x41b3de4355555554, "333333333.33333325"},
		{0x41b3de4355555555, "333333333.3333333"},
		{0x41b3de4355555556, "333333333.3333334"},
		{0x41b3de4355555557, "333333333.33333343"},
		{0xbecbf647612f3696, "-0.0000033333333333333333"},
		{0x43143ff3c1cb0959, "1424953923781206.2"},
	} {
		if got := string(appendFloat(nil, math.Float64frombits(c.bits))); got != c.want {
			t.Errorf("%016x: %s, want %s", c.bits, got, c.want)
		}
	}
}

// The example of RFC 8785, section 3.2.3, and the string of section 3.2.2.
func TestObjectsAndStringsOfRFC8785(t *testing.T) {
	v, err := Parse([]byte(`{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",
		"1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}`), DocumentLimits())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"\r":"Carriage Return","1":"One","` + "\u0080" + `":"Control","ö":"Latin Small Letter O With Diaeresis",` +
		`"€":"Euro Sign","😀":"Emoji: Grinning Face","` + "\ufb33" + `":"Hebrew Letter Dalet With Dagesh"}`
	if got := string(v.AppendCanonical(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	text := &Value{Kind: String, Text: "€$\x0f\nA'B\"\\\\\"/\b\f\x00"}
	if got, want := string(text.AppendCanonical(nil)), `"€$\u000f\nA'B\"\\\\\"/\b\f\u0000"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAppendCanonicalLeavesTheOrder(t *testing.T) {
	v, _ := Parse([]byte(`{"b":1,"a":2}`), DocumentLimits())
	if got := string(v.AppendCanonical([]byte("x"))); got != `x{"a":2,"b":1}` {
		t.Errorf("got %s", got)
	}
	if v.Members[0].Name != "b" {
		t.Error("the members were reordered")
	}
}

func TestCompareUTF16(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	alphabet := []rune("ab\u00e9\u20ac\ud7ff\ue000\ufb33\uffff\U00010000\U0001f600\U0010ffff")
	word := func() string {
		runes := make([]rune, random.IntN(4))
		for i := range runes {
			runes[i] = alphabet[random.IntN(len(alphabet))]
		}
		return string(runes)
	}
	for range 20_000 {
		a, b := word(), word()
		want := slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
		if got := compareUTF16(a, b); got != want {
			t.Fatalf("compareUTF16(%q, %q) = %d, want %d", a, b, got, want)
		}
	}
}

// Folding must agree with strings.EqualFold on every rune: each orbit of
// unicode.SimpleFold has one representative, and no two share it.
func TestFoldRune(t *testing.T) {
	owner := map[rune]rune{}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			if foldRune(next) != foldRune(r) {
				t.Fatalf("%q and %q fold apart", r, next)
			}
			least = min(least, next)
		}
		if first, ok := owner[foldRune(r)]; ok && first != least {
			t.Fatalf("%q and %q fold together", r, first)
		}
		owner[foldRune(r)] = least
	}
}
