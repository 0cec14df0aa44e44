package rule

import "math/bits"

// words finds a text among those that a column is compared with. It is a table
// of its own because a change is looked up once for each text that it has, and
// little else is done for it.
type words struct {
	slots []word // a power of two, at least half of them empty
	shift uint8
	known uint32
}

type word struct {
	text  string
	value uint32
	used  bool
}

// newWords makes a table of texts that differ; text i stands for value first+i.
func newWords(texts []string, first uint32) words {
	size := bits.Len(uint(2*len(texts) - 1))
	w := words{slots: make([]word, 1<<size), shift: uint8(64 - size), known: uint32(len(texts))}
	for i, text := range texts {
		at := hash(text) >> w.shift
		for w.slots[at].used {
			at = (at + 1) & uint64(len(w.slots)-1)
		}
		w.slots[at] = word{text, first + uint32(i), true}
	}
	return w
}

// find gives the value that a text stands for.
func (w *words) find(text string) (uint32, bool) {
	for at := hash(text) >> w.shift; ; at = (at + 1) & uint64(len(w.slots)-1) {
		switch slot := &w.slots[at]; {
		case !slot.used:
			return 0, false
		case slot.text == text:
			return slot.value, true
		}
	}
}

// hash mixes the bytes of a text, eight at a time, of which the last eight may
// have been mixed in part; the highest bits are best.
func hash(text string) uint64 {
	const odd = 0x9E3779B97F4A7C15
	h := uint64(len(text)) * odd
	if len(text) >= 8 {
		last := eight(text[len(text)-8:])
		for ; len(text) > 8; text = text[8:] {
			h = mix(h ^ eight(text))
		}
		return mix(h ^ last)
	}
	tail := uint64(0)
	for i := range len(text) {
		tail = tail<<8 | uint64(text[i])
	}
	return mix(h ^ tail)
}

func mix(h uint64) uint64 {
	high, low := bits.Mul64(h, 0x9E3779B97F4A7C15)
	return high ^ low
}

func eight(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}
