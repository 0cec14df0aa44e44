package rule

import "regexp/syntax"

// sameForAll says why a pattern that compiles tells no text from another: it
// matches all of them, or none. It is "" where the pattern does tell some apart,
// or where its program alone does not show that it does not.
func sameForAll(pattern string) string {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return ""
	}
	program, err := syntax.Compile(parsed.Simplify())
	switch {
	case err != nil:
		return ""
	case passes(program, syntax.EmptyBeginText|syntax.EmptyBeginLine), passes(program, syntax.EmptyEndText|syntax.EmptyEndLine):
		return "every text matches this pattern, so this is always the same"
	case !reachable(program):
		return "no text matches this pattern, so this is always the same"
	}
	return ""
}

// passes reports whether the program comes to its end without any character,
// where all that it asks of the place holds: every text has a beginning and an
// end.
func passes(program *syntax.Prog, holds syntax.EmptyOp) bool {
	return follow(program, func(at spot, i *syntax.Inst) (spot, bool) {
		return at, i.Op == syntax.InstEmptyWidth && syntax.EmptyOp(i.Arg)&^holds == 0
	})
}

// reachable reports whether the program can come to its end at all: not by a
// character that does not exist, by one before the beginning of the text, nor
// by one behind its end.
func reachable(program *syntax.Prog) bool {
	return follow(program, func(at spot, i *syntax.Inst) (spot, bool) {
		if i.Op != syntax.InstEmptyWidth {
			return spot{at.pc, true, at.ended}, !at.ended && (i.Op != syntax.InstRune || len(i.Rune) > 0)
		}
		op := syntax.EmptyOp(i.Arg)
		return spot{at.pc, at.begun, at.ended || op&syntax.EmptyEndText != 0}, op&syntax.EmptyBeginText == 0 || !at.begun
	})
}

// spot is an instruction, and whether a character was read before it, and the
// end of the text was asked for.
type spot struct {
	pc           uint32
	begun, ended bool
}

// follow looks for the end of a program; step says how it goes on from an
// instruction that reads a character or asks for a place, if it does.
func follow(program *syntax.Prog, step func(at spot, i *syntax.Inst) (spot, bool)) bool {
	seen, open := map[spot]bool{}, []spot{{pc: uint32(program.Start)}}
	for len(open) > 0 {
		at := open[len(open)-1]
		open = open[:len(open)-1]
		if seen[at] {
			continue
		}
		seen[at] = true
		i := &program.Inst[at.pc]
		next, on := at, true
		switch i.Op {
		case syntax.InstMatch:
			return true
		case syntax.InstFail:
			continue
		case syntax.InstAlt, syntax.InstAltMatch:
			open = append(open, spot{i.Arg, at.begun, at.ended})
		case syntax.InstCapture, syntax.InstNop:
		default:
			next, on = step(at, i)
		}
		if on {
			next.pc = i.Out
			open = append(open, next)
		}
	}
	return false
}
