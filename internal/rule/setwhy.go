package rule

// Why says why the conditions of a rule of the last answer are Faults, in the
// words of [Expr.Eval]; facts are those of that answer.
func (r *Run) Why(facts []Value, rule int) (only, when string) {
	r.frame.facts = facts
	return r.why(r.set.only[rule]), r.why(r.set.when[rule])
}

func (r *Run) why(at uint32) string {
	switch {
	case at == 0:
		return ""
	case r.failed != "":
		return r.failed
	}
	v, why, _ := r.reason(at)
	if v != IsFault {
		return ""
	}
	return why
}

// reason is truth with the reason of the first fault.
func (r *Run) reason(at uint32) (Verdict, string, uint32) {
	word := r.set.code[at]
	at++
	if word&treeGroup == 0 {
		return r.literal(word), r.sentence(word), at
	}
	end, decides, v, why := at+word&treeSize, IsFalse, IsTrue, ""
	if word&treeOr != 0 {
		decides, v = IsTrue, IsFalse
	}
	for at < end {
		var part Verdict
		var because string
		if part, because, at = r.reason(at); part == decides {
			return part, "", end
		}
		if part < v {
			v, why = part, because
		}
	}
	return v, why, end
}

// sentence is why a literal is a fault, if it is one.
func (r *Run) sentence(literal uint32) string {
	n := &node{run: runFact}
	if first := r.set.firstOpaque; literal >= first {
		n = r.set.opaque[(literal-first)>>1].node
	} else {
		n.fact = int(r.set.columns[r.set.of[literal]].fact)
	}
	if v := probe(n, &r.frame); v.State == Faulty {
		return v.Text
	}
	return ""
}
