package rule

// Pair is the conditions of one rule: it counts where Only (nil: everywhere)
// and When (nil: always) let it.
type Pair struct{ Only, When *Expr }

// Set decides many rules over the same facts at a cost that follows the rules
// that can match. It is immutable and safe for concurrent use; each goroutine
// takes a [Run] of its own.
//
// Every condition becomes a tree of "and" and "or" over literals: tests of one
// column, which is a fact, its presence or its length, or opaque ones, which
// are evaluated as they are. A literal holds where it is not False; for "and"
// and "or" that is two-valued logic whatever the facts are, so each rule is
// also kept as clauses, lists of literals that must all hold. A clause is
// looked at only when its most selective literal holds, or, where the column of
// that one is not known, its second. What a rule is beyond not False is decided
// by its tree, where anything it might read is not present or may fault.
type Set struct {
	reads   []int
	columns []column
	base    []uint64  // the literals that hold where no value turns them
	start   []uint64  // the same with all of late columns
	early   []*column // the columns that are not late
	late    []uint64  // those that are, see putOff; nil when none is
	first   []int     // the facts that are looked at in any case
	of      []uint16  // the column of each literal; that of literal 0 is one past the last
	opaque  []opaque  // the conditions of the literals from firstOpaque on, two for each: as it is, negated

	computed []*node // the numbers that these compare

	firstOpaque uint32

	turns     []uint32 // literals that a value turns, by value: number<<1, and 1 when it turns on
	turnsFrom []uint32 // by value, where its turns begin
	tries     tries

	clauses    []clause
	more       []uint32 // the literals of clauses that hold no more
	clauseFrom []uint32 // by literal, where the clauses that are posted under it begin
	second     []uint32 // places in clauses, by column and second literal
	secondLit  []uint32 // the second literals of each column
	secondFrom []uint32 // where the places of each begin

	code   []uint32 // trees, see truth
	only   []uint32 // by rule, where its tree begins in code; 0 for none
	when   []uint32
	decide []uint64 // the rules whose clauses say less than their trees
	plain  []uint64 // the rules without Only that are one clause, which has no more
	most   int      // spans of clauses that one change can have to scan, at the most
}

// Decided is a rule that counts and what its conditions are. A condition that
// is nil is True.
type Decided struct {
	Rule       int32
	Only, When Verdict
}

// columnKind says what of a fact a column holds.
type columnKind uint8

const (
	columnTruth columnKind = iota + 1 // 1 when the fact is true
	columnWhole
	columnDecimal
	columnText
	columnList
	columnKnown  // 1 when the fact is present
	columnLength // of a text, in characters
	columnCount  // of a list, in elements
)

// column is one thing that literals look at.
type column struct {
	kind   columnKind
	number uint16 // its own
	fact   uint32
	lo, hi uint32    // its literals
	equal  ascending // they stand for values
	atMost ascending // for the literals x >= k
	above  ascending // for the literals x < k
	words  words     // the values of a text, or of the elements of a list
	byWord []uint32  // the same by the number of a word in its closed set, plus 1; 0 for none
	prefix *entry    // nil where there is none
	suffix *entry
	infix  *entry
	skips  *skips // of infix

	seconds, secondsEnd uint32 // in secondLit
}

// ascending are numbers; the first of them stands for first, the next for
// first+1 and so on.
type ascending struct {
	all   []int64
	first uint32
}

// Reads lists the facts that any of the conditions reads or asks for, ascending.
func (s *Set) Reads() []int { return s.reads }

// First lists, ascending, those of [Set.Reads] that every run looks at; at the
// others it looks where it has to.
func (s *Set) First() []int { return s.first }

// Len is the number of rules.
func (s *Set) Len() int { return len(s.when) }
