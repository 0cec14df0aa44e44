package rule

// elements looks for the values that the elements of a list are, or hold.
func (r *Run) elements(c *column, list []string) {
	if c.words.slots != nil {
		for _, text := range list {
			r.text(c, text)
		}
	}
	if c.searched() {
		for _, text := range list {
			r.search(c, text)
		}
	}
}

func (c *column) searched() bool { return c.prefix != nil || c.suffix != nil || c.infix != nil }

// search looks for the values that a text, or an element, holds.
func (r *Run) search(c *column, text string) {
	if len(text) == 0 {
		return // as no value is
	}
	t := &r.set.tries
	if e := c.prefix; e != nil {
		if k := e.by[text[0]]; k > 0 {
			t.walk(e.from+uint32(k)-1, text, 0, 1, r)
		}
	}
	if e := c.suffix; e != nil {
		if k := e.by[text[len(text)-1]]; k > 0 {
			t.walk(e.from+uint32(k)-1, text, len(text)-1, -1, r)
		}
	}
	if c.infix != nil {
		r.within(c, text)
	}
}

// within looks for the values that a text holds anywhere.
func (r *Run) within(c *column, text string) {
	t, e, s := &r.set.tries, c.infix, c.skips
	for end := s.least - 1; end < len(text); {
		if skip := s.by[text[end]]; skip > 0 {
			end += int(skip)
			continue
		}
		at := end - s.least + 1
		if k := e.by[text[at]]; k > 0 {
			t.walk(e.from+uint32(k)-1, text, at, 1, r)
		}
		end++
	}
}

// skips says how far a search for any of some texts may go on from a byte that
// ends the place where the shortest of them would lie: to where this byte lies
// in one of them. Most bytes of a text are never looked at. After Horspool 1980
// and, for several texts, Navarro and Raffinot, Flexible Pattern Matching, 2002.
type skips struct {
	least int // the length of the shortest text
	by    [256]uint8
}

func newSkips(texts []string) *skips {
	s := &skips{least: 255}
	for _, text := range texts {
		s.least = min(s.least, len(text))
	}
	for b := range s.by {
		s.by[b] = uint8(s.least)
	}
	for _, text := range texts {
		for i := range s.least {
			s.by[text[i]] = min(s.by[text[i]], uint8(s.least-1-i))
		}
	}
	return s
}
