package main

import (
	"context"
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"github.com/cedar-policy/cedar-go"
	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/workload"
	"github.com/changelane/changelane/risk"
)

// engines are the contestants; ours is the first. They give the numbers of the
// rules that match, in any order, good until the next change; and the score.
var engines = []struct {
	name string
	load func(*workload.Workload) (decide func(change int) (matched []int, score int), err error)
}{
	{"changelane", loadOurs},
	{"an index by hand, from a plain struct", func(w *workload.Workload) (func(int) ([]int, int), error) { return loadIndex(w, false) }},
	{"the same, from a change.Change", func(w *workload.Workload) (func(int) ([]int, int), error) { return loadIndex(w, true) }},
	{"expr, a loop over programs", loadExpr},
	{"CEL", loadCEL},
	{"Cedar", loadCedar},
	{"OPA, embedded", loadOPA},
}

// assessor is how our rule set is asked.
func assessor(rs *risk.RuleSet) func(c *change.Change, s risk.Situation) *risk.Assessment {
	return rs.Assessor().Assess
}

func loadOurs(w *workload.Workload) (func(int) ([]int, int), error) {
	rs, err := w.RuleSet()
	if err != nil {
		return nil, err
	}
	number := numbers(w)
	assess, matched := assessor(rs), []int(nil)
	return func(i int) ([]int, int) {
		a := assess(w.Requests[i].Change, w.Requests[i].Situation)
		matched = matched[:0]
		for j := range a.Reasons {
			if a.Reasons[j].Basis == risk.Held {
				matched = append(matched, number[a.Reasons[j].Rule])
			}
		}
		return matched, a.Score
	}, nil
}

// loadIndex is the limit: plain Go for these changes and these rules only. It
// reads the change itself, or is given what has been read from it.
func loadIndex(w *workload.Workload, read bool) (func(int) ([]int, int), error) {
	index, c, matched := workload.NewIndex(w), workload.Change{}, []int(nil)
	return func(i int) ([]int, int) {
		of := &w.Changes[i]
		if read {
			w.Requests[i].Read(&c)
			of = &c
		}
		rules, score, _ := index.Match(of, w.Missing[i])
		matched = matched[:0]
		for _, rule := range rules {
			matched = append(matched, int(rule))
		}
		return matched, score
	}, nil
}

// numbers finds the number of a rule by its id.
func numbers(w *workload.Workload) map[string]int {
	out := make(map[string]int, len(w.Rules))
	for i := range w.Rules {
		out[w.Rules[i].ID] = i
	}
	return out
}

// each makes a decision of a test of one rule at a time.
func each(w *workload.Workload, begin func(*workload.Change), holds func(rule int) bool) func(int) ([]int, int) {
	var matched []int
	return func(i int) ([]int, int) {
		begin(&w.Changes[i])
		score := 0
		matched = matched[:0]
		for n := range w.Rules {
			if holds(n) {
				matched, score = append(matched, n), score+w.Rules[n].Points
			}
		}
		return matched, score
	}
}

// loadExpr boxes the change as a value once, and uses one machine again.
func loadExpr(w *workload.Workload) (func(int) ([]int, int), error) {
	programs := make([]*vm.Program, len(w.Rules))
	for i := range programs {
		var err error
		if programs[i], err = expr.Compile(w.Rules[i].When.Expr(), expr.Env(workload.Change{}), expr.AsBool()); err != nil {
			return nil, err
		}
	}
	var env any
	var machine vm.VM
	return each(w, func(c *workload.Change) { env = *c }, func(rule int) bool {
		out, err := machine.Run(programs[rule], env)
		return err == nil && out.(bool)
	}), nil
}

// variables are the values of a change for CEL, converted once.
type variables map[string]any

func (v variables) ResolveName(name string) (any, bool) { value, ok := v[name]; return value, ok }
func (v variables) Parent() cel.Activation              { return nil }

func (v variables) set(c *workload.Change) {
	for f := range workload.Field(workload.NumFields) {
		switch {
		case f < workload.Tier:
			v[f.String()] = types.String(c.Text(f))
		case f.Decimal():
			v[f.String()] = types.Double(c.Number(f))
		case f < workload.Downtime:
			v[f.String()] = types.Int(c.Int(f))
		case f < workload.Paths:
			v[f.String()] = types.Bool(c.Flag(f))
		default:
			v[f.String()] = types.NewStringList(types.DefaultTypeAdapter, c.List(f))
		}
	}
}

func celType(f workload.Field) *cel.Type {
	switch {
	case f < workload.Tier:
		return cel.StringType
	case f.Decimal():
		return cel.DoubleType
	case f < workload.Downtime:
		return cel.IntType
	case f < workload.Paths:
		return cel.BoolType
	}
	return cel.ListType(cel.StringType)
}

func loadCEL(w *workload.Workload) (func(int) ([]int, int), error) {
	var options []cel.EnvOption
	for f := range workload.Field(workload.NumFields) {
		options = append(options, cel.Variable(f.String(), celType(f)))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return nil, err
	}
	programs := make([]cel.Program, len(w.Rules))
	for i := range programs {
		checked, issues := env.Compile(w.Rules[i].When.CEL())
		if issues.Err() != nil {
			return nil, issues.Err()
		}
		if programs[i], err = env.Program(checked, cel.EvalOptions(cel.OptOptimize)); err != nil {
			return nil, err
		}
	}
	values := variables{}
	return each(w, values.set, func(rule int) bool {
		out, _, err := programs[rule].Eval(values)
		return err == nil && out == ref.Val(types.True)
	}), nil
}

// loadOPA prepares one query for the set of all rules that match. OPA indexes
// the rules by their equalities.
func loadOPA(w *workload.Workload) (func(int) ([]int, int), error) {
	ctx := context.Background()
	query, err := rego.New(rego.Query("data.risk.matched"), rego.Module("risk.rego", w.Rego())).PrepareForEval(ctx)
	if err != nil {
		return nil, err
	}
	number, matched := numbers(w), []int(nil)
	return func(i int) ([]int, int) {
		results, err := query.Eval(ctx, rego.EvalParsedInput(regoInput(&w.Changes[i])))
		if err != nil || len(results) != 1 {
			return nil, -1
		}
		score := 0
		matched = matched[:0]
		for _, id := range results[0].Expressions[0].Value.([]any) {
			n := number[id.(string)]
			matched, score = append(matched, n), score+w.Rules[n].Points
		}
		return matched, score
	}, nil
}

// regoInput is the change as OPA's own value, which spares it the way over JSON.
func regoInput(c *workload.Change) ast.Value {
	pairs := make([][2]*ast.Term, workload.NumFields)
	for f := range workload.Field(workload.NumFields) {
		pairs[f] = [2]*ast.Term{ast.StringTerm(f.String()), regoTerm(c, f)}
	}
	return ast.NewObject(pairs...)
}

func regoTerm(c *workload.Change, f workload.Field) *ast.Term {
	switch {
	case f < workload.Tier:
		return ast.StringTerm(c.Text(f))
	case f.Decimal():
		return ast.FloatNumberTerm(c.Number(f))
	case f < workload.Downtime:
		return ast.IntNumberTerm(c.Int(f))
	case f < workload.Paths:
		return ast.BooleanTerm(c.Flag(f))
	}
	terms := make([]*ast.Term, len(c.List(f)))
	for i, s := range c.List(f) {
		terms[i] = ast.StringTerm(s)
	}
	return ast.ArrayTerm(terms...)
}

// loadCedar makes a permit of every rule: those that hold are the reasons.
func loadCedar(w *workload.Workload) (func(int) ([]int, int), error) {
	policies := cedar.NewPolicySet()
	for i := range w.Rules {
		var p cedar.Policy
		if err := p.UnmarshalCedar([]byte("permit (principal, action, resource) when { " + w.Rules[i].When.Cedar() + " };")); err != nil {
			return nil, fmt.Errorf("%s: %w", w.Rules[i].When.Cedar(), err)
		}
		policies.Add(cedar.PolicyID(w.Rules[i].ID), &p)
	}
	number, matched := numbers(w), []int(nil)
	return func(i int) ([]int, int) {
		_, diagnostic := cedar.Authorize(policies, nil, cedar.Request{Context: cedarContext(&w.Changes[i])})
		if len(diagnostic.Errors) > 0 {
			return nil, -1
		}
		score := 0
		matched = matched[:0]
		for _, r := range diagnostic.Reasons {
			n := number[string(r.PolicyID)]
			matched, score = append(matched, n), score+w.Rules[n].Points
		}
		return matched, score
	}, nil
}

// cedarContext is the change as Cedar's own value. Cedar cannot look into the
// texts of a set, so the folders of the paths and their endings are sets too.
func cedarContext(c *workload.Change) cedar.Record {
	out := cedar.RecordMap{}
	for f := range workload.Field(workload.NumFields) {
		switch {
		case f < workload.Tier:
			out[cedar.String(f.String())] = cedar.String(c.Text(f))
		case f.Decimal():
			d, err := cedar.NewDecimalFromFloat(c.Number(f))
			if err != nil {
				panic(err) // the workload has four decimals
			}
			out[cedar.String(f.String())] = d
		case f < workload.Downtime:
			out[cedar.String(f.String())] = cedar.Long(c.Int(f))
		case f < workload.Paths:
			out[cedar.String(f.String())] = cedar.Boolean(c.Flag(f))
		default:
			out[cedar.String(f.String())] = cedarSet(c.List(f))
		}
	}
	var folders, endings []string
	for _, p := range c.Paths {
		for i := range p {
			if p[i] == '/' {
				folders = append(folders, p[:i+1])
			}
		}
		endings = append(endings, p[strings.LastIndexByte(p, '.'):])
	}
	out["folders"], out["endings"] = cedarSet(folders), cedarSet(endings)
	return cedar.NewRecord(out)
}

func cedarSet(texts []string) cedar.Set {
	out := make([]cedar.Value, len(texts))
	for i, t := range texts {
		out[i] = cedar.String(t)
	}
	return cedar.NewSet(out...)
}
