package rule

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Columns hold the facts of many rows, such as a history of changes, by fact:
// texts and elements of lists by number, with the rows in which each stands, so
// that a condition is decided over all rows at the cost of the distinct values
// and of the rows that have them. Rows are added, then the columns are sealed;
// from then on they do not change.
type Columns struct {
	vocabulary *Vocabulary
	rows       int
	of         []*factColumn // by fact; nil where nobody reads it
}

// factColumn is one fact over all rows.
type factColumn struct {
	fact    *Fact
	spoilt  [4]bitmap // the rows that are not present, by state
	reasons map[int]string
	ints    []int64
	floats  []float64
	ids     []uint32 // of a text or a truth, 0 where there is none; of a list see ends
	ends    []uint32 // of a list: where its elements end in ids
	numbers map[string]uint32
	values  []string   // by number, which counts from 1; ascending once sealed
	stands  [][]uint32 // by number likewise: the rows in which the value stands, ascending
	ending  []uint32   // the numbers, by their values read from the end
	blocks  []numberBlock
}

// NewColumns makes columns for some facts of the vocabulary.
func NewColumns(v *Vocabulary, facts []int) *Columns {
	c := &Columns{vocabulary: v, of: make([]*factColumn, len(v.facts))}
	for _, i := range facts {
		c.of[i] = &factColumn{fact: &v.facts[i], numbers: map[string]uint32{}}
	}
	return c
}

// Len is the number of rows.
func (c *Columns) Len() int { return c.rows }

// Add adds a row: facts as for [Expr.Eval].
func (c *Columns) Add(facts []Value) {
	for i, column := range c.of {
		if column != nil {
			column.add(c.rows, &facts[i])
		}
	}
	c.rows++
}

func (c *factColumn) add(row int, v *Value) {
	state, why := v.State, v.Text
	if state == Present && (math.IsNaN(v.Float) || math.IsInf(v.Float, 0)) {
		state, why = Faulty, notANumber
	}
	if state != Present {
		c.spoilt[state].set(row)
	}
	if state == Faulty {
		if c.reasons == nil {
			c.reasons = map[int]string{}
		}
		c.reasons[row] = why
	}
	switch c.fact.Type {
	case Int:
		c.ints = append(c.ints, v.Int)
	case Float:
		f := v.Float
		if state != Present {
			f = 0 // it may be no number
		}
		c.floats = append(c.floats, f)
	case Bool:
		c.ids = append(c.ids, c.number(row, state, truthWords[v.Bool]))
	case Text:
		c.ids = append(c.ids, c.number(row, state, v.Text))
	default:
		if state == Present {
			for _, e := range v.List {
				c.ids = append(c.ids, c.number(row, state, e))
			}
		}
		c.ends = append(c.ends, uint32(len(c.ids)))
	}
}

// Seal ends the adding of rows and puts the values into order.
func (c *Columns) Seal() {
	for _, column := range c.of {
		if column != nil {
			column.seal(c.rows)
		}
	}
}

func (c *factColumn) seal(rows int) {
	switch c.fact.Type {
	case Int:
		c.blocks = numberBlocks(rows, func(a, b int) int { return cmp.Compare(c.ints[a], c.ints[b]) })
	case Float:
		c.blocks = numberBlocks(rows, func(a, b int) int { return cmp.Compare(c.floats[a], c.floats[b]) })
	default:
		c.renumber()
	}
}

// renumber gives the values numbers in their order.
func (c *factColumn) renumber() {
	order := make([]uint32, len(c.values)) // by new number: the old one
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return strings.Compare(c.values[a], c.values[b]) })
	renamed := make([]uint32, len(order)+1)
	values, stands := make([]string, len(order)), make([][]uint32, len(order))
	for now, then := range order {
		renamed[then+1] = uint32(now) + 1
		values[now], stands[now] = c.values[then], c.stands[then]
		c.numbers[values[now]] = uint32(now) + 1
		order[now] = uint32(now) + 1
	}
	c.values, c.stands = values, stands
	for i, id := range c.ids {
		c.ids[i] = renamed[id]
	}
	slices.SortFunc(order, func(a, b uint32) int { return compareEnds(values[a-1], values[b-1]) })
	c.ending = order
}

// compareEnds compares two texts from their last byte on.
func compareEnds(a, b string) int {
	for i := 1; i <= len(a) && i <= len(b); i++ {
		if x, y := a[len(a)-i], b[len(b)-i]; x != y {
			return cmp.Compare(x, y)
		}
	}
	return cmp.Compare(len(a), len(b))
}

// starting are the numbers of the values that start with a text.
func (c *factColumn) starting(text string) []uint32 {
	first, _ := slices.BinarySearch(c.values, text)
	var out []uint32
	for i := first; i < len(c.values) && strings.HasPrefix(c.values[i], text); i++ {
		out = append(out, uint32(i)+1)
	}
	return out
}

// endingIn are the numbers of the values that end with a text.
func (c *factColumn) endingIn(text string) []uint32 {
	first, _ := slices.BinarySearchFunc(c.ending, text, func(number uint32, text string) int { return compareEnds(c.values[number-1], text) })
	last := first
	for last < len(c.ending) && strings.HasSuffix(c.values[c.ending[last]-1], text) {
		last++
	}
	out := slices.Clone(c.ending[first:last])
	slices.Sort(out)
	return out
}

// numberBlock orders the numbers of a block. Every 64 numbers it has the rows of
// all before: a range-encoded bitmap index (O'Neil and Quass 1997), so that the
// rows between two numbers are the difference of two bitmaps.
type numberBlock struct {
	order  []uint16 // the rows, by their number
	before []Rows   // at 64*i the rows of order[:64*i]
}

func numberBlocks(rows int, compare func(a, b int) int) []numberBlock {
	var out []numberBlock
	for first := 0; first < rows; first += BlockRows {
		b := numberBlock{order: make([]uint16, min(BlockRows, rows-first))}
		for i := range b.order {
			b.order[i] = uint16(i)
		}
		slices.SortFunc(b.order, func(x, y uint16) int { return compare(first+int(x), first+int(y)) })
		var so Rows
		for i, row := range b.order {
			if i%64 == 0 {
				b.before = append(b.before, so)
			}
			so[row/64] |= 1 << (row % 64)
		}
		out = append(out, b)
	}
	return out
}

// until are the rows of the first n in order.
func (b *numberBlock) until(n int) Rows {
	if n == 0 {
		return Rows{}
	}
	at := (n - 1) / 64
	out := b.before[at]
	for _, row := range b.order[at*64 : n] {
		out[row/64] |= 1 << (row % 64)
	}
	return out
}

var truthWords = map[bool]string{false: "false", true: "true"}

// number is the number of a value, which stands in the row.
func (c *factColumn) number(row int, state State, value string) uint32 {
	if state != Present {
		return 0
	}
	n, known := c.numbers[value]
	if !known {
		c.values = append(c.values, value)
		n = uint32(len(c.values))
		c.numbers[value] = n
		c.stands = append(c.stands, nil)
	}
	if rows := c.stands[n-1]; len(rows) == 0 || rows[len(rows)-1] != uint32(row) {
		c.stands[n-1] = append(rows, uint32(row))
	}
	return n
}

// value is what the row holds, as it was added.
func (c *factColumn) value(row int) Value {
	for state := range c.spoilt {
		if c.spoilt[state].has(row) {
			return Value{State: State(state), Text: c.reasons[row]}
		}
	}
	switch c.fact.Type {
	case Int:
		return IntValue(c.ints[row])
	case Float:
		return FloatValue(c.floats[row])
	case Bool:
		return BoolValue(c.values[c.ids[row]-1] == truthWords[true])
	case Text:
		return TextValue(c.values[c.ids[row]-1])
	}
	list := make([]string, 0, 8)
	for _, id := range c.elements(row) {
		list = append(list, c.values[id-1])
	}
	return ListValue(list)
}

// elements are the numbers of the elements of the row's list.
func (c *factColumn) elements(row int) []uint32 {
	start := uint32(0)
	if row > 0 {
		start = c.ends[row-1]
	}
	return c.ids[start:c.ends[row]]
}

// rowsOf are the rows from first to before last in which a value stands.
func (c *factColumn) rowsOf(number uint32, first, last int) []uint32 {
	rows := c.stands[number-1]
	from, _ := slices.BinarySearch(rows, uint32(first))
	to, _ := slices.BinarySearch(rows[from:], uint32(last))
	return rows[from : from+to]
}

// bitmap is a set of rows; a missing end is empty.
type bitmap []uint64

func (b *bitmap) set(row int) {
	for len(*b) <= row/64 {
		*b = append(*b, 0)
	}
	(*b)[row/64] |= 1 << (row % 64)
}

func (b bitmap) has(row int) bool { return row/64 < len(b) && b[row/64]>>(row%64)&1 == 1 }

// block is the part of the set that lies in a block of rows.
func (b bitmap) block(first int) bitmap {
	from := min(first/64, len(b))
	return b[from:min(from+blockWords, len(b))]
}
