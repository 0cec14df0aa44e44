//go:build goexperiment.jsonv2

package schema

import (
	jsonv2 "encoding/json/v2"
	"math/rand/v2"
	"reflect"
	"testing"
)

// encoding/json/v2 is strict about UTF-8, surrogates and equal names, so it is
// the nearer oracle: what Parse accepts it must accept with the same value.
func TestParseAgainstJSONv2(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 8785))
	for range 60_000 {
		data := randomDocument(random)
		v, err := Parse(data, DocumentLimits())
		if err != nil {
			continue
		}
		var want any
		if err := jsonv2.Unmarshal(data, &want); err != nil {
			t.Fatalf("%q: accepted, but encoding/json/v2 says %v", data, err)
		}
		if got := doubles(v.Any()); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: %#v, but encoding/json/v2 says %#v", data, got, want)
		}
	}
}
