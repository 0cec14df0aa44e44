package rule

import (
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"strings"
)

// valueClass is how a value of a column is found.
type valueClass uint8

const (
	valueWord   valueClass = iota + 1 // the text, or an element, is it
	valueNumber                       // the number is it
	valuePrefix                       // the text, or an element, begins with it
	valueSuffix                       // ends with it; it is kept backwards
	valueInfix                        // contains it
)

// value is something that a column can be found to be; literals are turned by
// the values that are met.
type value struct {
	column uint16
	class  valueClass
	number int64
	text   string
	glob   leftover
}

// literalKind says what turns a literal on.
type literalKind uint8

const (
	literalValue  literalKind = iota // any of its values is met, or none when negated
	literalAtMost                    // its cut is at most the number
	literalAbove                     // its cut is above the number
	literalOpaque
)

// literal is a test that rules share.
type literal struct {
	kind    literalKind
	column  uint16
	negated bool
	cut     int64
	values  []uint32
	opaque  int
}

// builder collects what the conditions of a set are made of. Numbers of
// literals and values are of the order in which they were met, until the set is
// laid out.
type builder struct {
	vocabulary *Vocabulary
	columns    []column
	columnOf   map[columnKey]uint16
	values     []value
	valueOf    map[valueKey]uint32
	literals   []literal
	literalOf  map[literalKey]uint32
	opaque     []opaque
	opaqueOf   map[string]int // by fingerprint
	computed   []*node
	computedOf map[string]uint32
	code       []uint32
	trees      map[*Expr]uint32
	named      map[namedKey][]uint32 // the values of named sets
}

type namedKey struct {
	column uint16
	set    string
}

type columnKey struct {
	kind columnKind
	fact int
}

type valueKey struct {
	column uint16
	class  valueClass
	glob   string
	number int64
	text   string
}

type literalKey struct {
	kind    literalKind
	column  uint16
	negated bool
	cut     int64  // or the number of the only value, or of the opaque condition
	values  string // of a literal of several
}

// The words of a tree: a literal by its number, or a group of the words that
// follow it, joined by "and" or "or".
const (
	treeGroup = 1 << 31
	treeOr    = 1 << 30
	treeSize  = treeOr - 1
)

// tree adds the condition of an expression to the code and says where it is.
func (b *builder) tree(e *Expr) uint32 {
	if e == nil {
		return 0
	}
	at, ok := b.trees[e]
	if !ok {
		at = uint32(len(b.code))
		b.add(e.root, false)
		b.trees[e] = at
	}
	return at
}

// add adds a condition, or its negation, to the code.
func (b *builder) add(n *node, negated bool) {
	switch {
	case n.op == opNot:
		b.add(n.args[0], !negated)
	case n.op == opAnd || n.op == opOr:
		at := len(b.code)
		b.code = append(b.code, treeGroup)
		b.chain(n, negated, (n.op == opOr) != negated)
		b.code[at] |= uint32(len(b.code) - at - 1)
		if (n.op == opOr) != negated {
			b.code[at] |= treeOr
		}
	case b.constantSide(n) != nil:
		b.add(b.constantSide(n), negated != ((n.op == opNotEqual) != b.falseSide(n)))
	default:
		b.code = append(b.code, b.leaf(n, negated))
	}
}

// chain adds the parts of a chain of one connective.
func (b *builder) chain(n *node, negated, or bool) {
	for _, arg := range n.args {
		negated := negated
		for ; arg.op == opNot; arg = arg.args[0] {
			negated = !negated
		}
		if (arg.op == opAnd || arg.op == opOr) && ((arg.op == opOr) != negated) == or {
			b.chain(arg, negated, or)
		} else {
			b.add(arg, negated)
		}
	}
}

// constantSide is the condition that a comparison with true or false is about,
// or nil.
func (b *builder) constantSide(n *node) *node {
	if (n.op != opEqual && n.op != opNotEqual) || n.args[0].kind != Bool {
		return nil
	}
	switch {
	case n.args[0].op == opConst:
		return n.args[1]
	case n.args[1].op == opConst:
		return n.args[0]
	}
	return nil
}

// falseSide reports whether the other side of it is false.
func (b *builder) falseSide(n *node) bool {
	return n.args[0].op == opConst && !n.args[0].value.Bool || n.args[1].op == opConst && !n.args[1].value.Bool
}

// leaf is the literal of a condition that is no connective.
func (b *builder) leaf(n *node, negated bool) uint32 {
	if l, ok := b.test(n); ok {
		l.negated = l.negated != negated
		return b.intern(l)
	}
	return b.intern(literal{kind: literalOpaque, opaque: b.opaqueLiteral(n), negated: negated})
}

// intern gives equal literals one number. Number 0 is the literal that always
// holds. A cut of the other direction is the negation of a cut.
func (b *builder) intern(l literal) uint32 {
	if l.negated && (l.kind == literalAtMost || l.kind == literalAbove) {
		l.kind, l.negated = literalAtMost+literalAbove-l.kind, false
	}
	key := literalKey{kind: l.kind, column: l.column, negated: l.negated, cut: l.cut + int64(l.opaque)}
	if l.kind == literalValue {
		slices.Sort(l.values)
		l.values = slices.Compact(l.values)
		if key.cut = int64(l.values[0]); len(l.values) > 1 {
			key.values = string(numbered(l.values))
		}
	}
	id, ok := b.literalOf[key]
	if !ok {
		id = uint32(len(b.literals))
		b.literals, b.literalOf[key] = append(b.literals, l), id
	}
	return id
}

// numbered is numbers as a text, for a key.
func numbered(numbers []uint32) []byte {
	to := make([]byte, 0, 4*len(numbers))
	for _, n := range numbers {
		to = binary.LittleEndian.AppendUint32(to, n)
	}
	return to
}

// test is the literal of a condition on one column, which is never a fault
// where the column is present.
func (b *builder) test(n *node) (literal, bool) {
	switch n.op {
	case opFact:
		return b.whether(columnTruth, n.fact), true
	case opKnown:
		return b.whether(columnKnown, n.fact), true
	case opEqual, opNotEqual, opLess, opAtMost, opGreater, opAtLeast:
		return b.comparison(n)
	case opIn:
		return b.membership(n)
	case opInList:
		return b.found(n.args[1], n.args[0], valueWord)
	case opContains, opStartsWith, opEndsWith:
		return b.found(n.args[0], n.args[1], searches[n.op])
	case opTouches:
		return b.touched(n)
	case opAny, opNone:
		values, ok := b.elements(n.args[0], n.args[1])
		return literal{column: b.column(columnList, n.args[0].fact), values: values, negated: n.op == opNone}, ok
	}
	return literal{}, false
}

var searches = map[op]valueClass{opStartsWith: valuePrefix, opEndsWith: valueSuffix, opContains: valueInfix}

func (b *builder) column(kind columnKind, fact int) uint16 {
	key := columnKey{kind, fact}
	i, ok := b.columnOf[key]
	if !ok {
		i = uint16(len(b.columns))
		b.columns, b.columnOf[key] = append(b.columns, column{kind: kind, number: i, fact: uint32(fact)}), i
	}
	return i
}

// columnOfNode is the column of a fact or of a length of one.
func (b *builder) columnOfNode(n *node) (uint16, columnKind, bool) {
	if n.op == opCompute && n.name == "len" && n.args[0].op == opFact {
		kind := columnLength
		if n.args[0].kind == List {
			kind = columnCount
		}
		return b.column(kind, n.args[0].fact), kind, true
	}
	if n.op != opFact {
		return 0, 0, false
	}
	kind := columnKinds[n.kind]
	return b.column(kind, n.fact), kind, true
}

var columnKinds = [...]columnKind{Bool: columnTruth, Int: columnWhole, Float: columnDecimal, Text: columnText, List: columnList}

// whether is the literal of a fact that is true or false.
func (b *builder) whether(kind columnKind, fact int) literal {
	return literal{kind: literalAtMost, column: b.column(kind, fact), cut: 1}
}

func (b *builder) value(v value) uint32 {
	key := valueKey{v.column, v.class, strconv.Itoa(int(v.glob.kind)), v.number, v.text}
	key.glob += v.glob.pattern
	i, ok := b.valueOf[key]
	if !ok {
		v.text = strings.Clone(v.text) // which would keep the whole source alive
		key.text = v.text
		i = uint32(len(b.values))
		b.values, b.valueOf[key] = append(b.values, v), i
	}
	return i
}

// textValue is a value that is found in a text; one that is found at its end is
// kept backwards.
func (b *builder) textValue(column uint16, class valueClass, text string, rest leftover) uint32 {
	if class == valueSuffix {
		reversed := []byte(text)
		slices.Reverse(reversed)
		text = string(reversed)
	}
	return b.value(value{column: column, class: class, text: text, glob: rest})
}

// found is the literal of a fixed text that is looked for in a column.
func (b *builder) found(in, text *node, class valueClass) (literal, bool) {
	if in.op != opFact || text.op != opConst || !searchable(class, text.value.Text) {
		return literal{}, false
	}
	column, _, _ := b.columnOfNode(in)
	return literal{column: column, values: []uint32{b.textValue(column, class, text.value.Text, leftover{})}}, true
}

// searchable reports whether a text is looked for by a trie. What is looked for
// within a text is begun at each of its bytes, which takes their product where
// both are of few letters: a long one is left to the expression, whose search
// does not, and which is charged for no more.
func searchable(class valueClass, text string) bool {
	const long = 32
	return class == valueWord || text != "" && (class != valueInfix || len(text) <= long)
}

func (b *builder) membership(n *node) (literal, bool) {
	column, kind, ok := b.columnOfNode(n.args[0])
	if !ok {
		return literal{}, false
	}
	l := literal{column: column}
	if n.name != "" {
		l.values = b.ofSet(column, n)
		return l, true
	}
	for i := range n.texts {
		if kind == columnText {
			l.values = append(l.values, b.textValue(column, valueWord, n.texts[i], leftover{}))
		} else {
			l.values = append(l.values, b.value(value{column: column, class: valueNumber, number: n.ints[i]}))
		}
	}
	return l, true
}

// ofSet are the values of a named set, which many conditions may name.
func (b *builder) ofSet(column uint16, n *node) []uint32 {
	key := namedKey{column, n.name}
	values, ok := b.named[key]
	if !ok {
		for _, text := range n.texts {
			values = append(values, b.textValue(column, valueWord, text, leftover{}))
		}
		slices.Sort(values)
		values = slices.Clip(slices.Compact(values))
		b.named[key] = values
	}
	return values
}

func (b *builder) touched(n *node) (literal, bool) {
	l := literal{column: b.column(columnList, n.fact)}
	for i, pattern := range n.texts {
		text, class, rest := anchored(pattern, n.globs[i])
		if text == "" {
			return literal{}, false
		}
		l.values = append(l.values, b.textValue(l.column, class, text, rest))
	}
	return l, true
}

// elements are the values that a condition on the elements of a list looks for,
// if all it does is to look for some.
func (b *builder) elements(list, body *node) ([]uint32, bool) {
	column := b.column(columnList, list.fact)
	look := func(class valueClass, at, text *node) ([]uint32, bool) {
		if at.op != opElement || text.op != opConst || !searchable(class, text.value.Text) {
			return nil, false
		}
		return []uint32{b.textValue(column, class, text.value.Text, leftover{})}, true
	}
	switch body.op {
	case opOr:
		some, ok := b.elements(list, body.args[0])
		more, ok2 := b.elements(list, body.args[1])
		return append(some, more...), ok && ok2
	case opEqual:
		if values, ok := look(valueWord, body.args[0], body.args[1]); ok {
			return values, true
		}
		return look(valueWord, body.args[1], body.args[0])
	case opContains, opStartsWith, opEndsWith:
		return look(searches[body.op], body.args[0], body.args[1])
	case opIn:
		if body.name != "" {
			return b.ofSet(column, body), body.args[0].op == opElement
		}
		var all []uint32
		for _, text := range body.texts {
			all = append(all, b.textValue(column, valueWord, text, leftover{}))
		}
		return all, body.args[0].op == opElement
	}
	return nil, false
}

// comparison is the literal of a column beside a constant.
func (b *builder) comparison(n *node) (literal, bool) {
	side, constant, sign := sides(n)
	if constant.op != opConst {
		return literal{}, false
	}
	column, kind, ok := b.columnOfNode(side)
	switch {
	case !ok:
		return literal{}, false
	case kind == columnText && (sign == opEqual || sign == opNotEqual):
		l, ok := b.found(side, constant, valueWord)
		l.negated = sign == opNotEqual
		return l, ok
	case kind == columnText:
		return literal{}, false
	}
	l, ok := limit(kind, sign, constant)
	if l.column = column; ok && l.kind == literalValue {
		l.values = []uint32{b.value(value{column: column, class: valueNumber, number: l.cut})}
	}
	return l, ok
}

// sides are the operands of a comparison, the constant last if there is one.
func sides(n *node) (side, constant *node, sign op) {
	if n.args[0].op == opConst {
		return n.args[1], n.args[0], mirrored(n.op)
	}
	return n.args[0], n.args[1], n.op
}

// limit is the literal of a number beside a constant; that of an equality has
// the number in the place of the cut.
func limit(kind columnKind, sign op, constant *node) (literal, bool) {
	least, exact, ok := cut(kind, constant)
	l := literal{kind: literalAtMost, cut: least}
	switch sign {
	case opEqual, opNotEqual:
		l.kind, l.negated = literalValue, sign == opNotEqual
		return l, ok && exact
	case opLess, opAtLeast:
		l.negated = sign == opLess
	default: // beyond the constant itself, where the column can hold it
		if exact {
			l.cut++
		}
		l.negated = sign == opAtMost
	}
	return l, ok
}

// mirrored is the sign with its sides exchanged.
func mirrored(sign op) op {
	switch sign {
	case opLess:
		return opGreater
	case opAtMost:
		return opAtLeast
	case opGreater:
		return opLess
	case opAtLeast:
		return opAtMost
	}
	return sign
}

// cut is the least number of a column that is not under the constant, as the
// column is ordered, and whether it is the constant. It has none far out, where
// the next number might not fit.
func cut(kind columnKind, constant *node) (least int64, exact, ok bool) {
	const far = 1 << 62
	whole, decimal := constant.value.Int, constant.value.Float
	switch {
	case math.IsNaN(decimal) || math.Abs(decimal) >= far || whole >= far || whole <= -far:
		return 0, false, false
	case constant.kind == Int && kind == columnDecimal:
		near := float64(whole)
		off := orderIntFloat(constant.value, FloatValue(near))
		if off > 0 {
			near = math.Nextafter(near, far)
		}
		return ordered(near), off == 0, true
	case kind == columnDecimal:
		return ordered(decimal), true, true
	case constant.kind == Float:
		return int64(math.Ceil(decimal)), math.Ceil(decimal) == decimal, true
	}
	return whole, true, true
}

// ordered maps a decimal to a whole number so that their orders agree.
func ordered(f float64) int64 {
	if f == 0 {
		return 0 // both zeros are one
	}
	bits := int64(math.Float64bits(f))
	if bits < 0 {
		bits ^= math.MaxInt64
	}
	return bits
}
