package risk

import (
	"fmt"
	"reflect"
	"testing"
)

// TestEveryMethodOfNothing calls each exported method of each type that can be
// nil or zero, and of what there is, with nothing to look at: none panics, and
// none says yes.
func TestEveryMethodOfNothing(t *testing.T) {
	v, err := NewVocabulary(VocabularyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	rs, err := New(v, Definition{Levels: []LevelDefinition{{Name: "low"}, {Name: "high", From: 10}}, Default: "high", Rules: []Rule{{ID: "a", Because: "b", When: "not change.backout"}}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := v.Condition("change.backout")
	if err != nil {
		t.Fatal(err)
	}
	called := 0
	for _, nothing := range []any{
		v, rs, c, v.Prover(nil), v.Reader(rs, c), rs.Assessor(), v.Facts(nil, Situation{}), v.History(nil),
		(*Vocabulary)(nil), &Vocabulary{}, (*RuleSet)(nil), &RuleSet{}, (*Plan)(nil), &Plan{}, (*History)(nil), &History{},
		(*Condition)(nil), &Condition{}, (*Prover)(nil), &Prover{}, (*Reader)(nil), &Reader{}, (*Assessor)(nil), &Assessor{},
		(*ParseError)(nil), ParseErrors(nil), Facts{}, Fact{}, Level{}, Assessment{}, Finding{}, Definition{}, Rule{}, Applicability{}, Place{}, Set{},
	} {
		v := reflect.ValueOf(nothing)
		for i := range v.NumMethod() {
			name := fmt.Sprintf("%T.%s", nothing, v.Type().Method(i).Name)
			if v.Kind() == reflect.Pointer && v.IsNil() {
				name = "nil " + name
			}
			called++
			for _, out := range callWithNothing(t, name, v.Method(i)) {
				yes := out.Kind() == reflect.Bool && out.Bool() && v.Type() != reflect.TypeOf(Assessment{}) || out.Type() == reflect.TypeOf(Yes) && Answer(out.Uint()) == Yes ||
					out.Type() == reflect.TypeOf(True) && Truth(out.Uint()) == True
				if yes {
					t.Errorf("%s says yes", name)
				}
			}
		}
	}
	if called < 140 {
		t.Errorf("%d methods are called", called)
	}
}

func callWithNothing(t *testing.T, name string, method reflect.Value) (out []reflect.Value) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("%s panics: %v", name, p)
		}
	}()
	var args []reflect.Value
	for i := range method.Type().NumIn() {
		if method.Type().IsVariadic() && i == method.Type().NumIn()-1 {
			break
		}
		args = append(args, reflect.Zero(method.Type().In(i)))
	}
	return method.Call(args)
}
