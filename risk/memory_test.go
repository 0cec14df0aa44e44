package risk

import (
	"fmt"
	"runtime"
	"testing"
	"unsafe"
)

func heap() int {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// BenchmarkMemory reports what 10,000 rules keep, in bytes for each rule.
func BenchmarkMemory(b *testing.B) {
	const n = 10_000
	v, err := NewVocabulary(VocabularyOptions{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		d := Definition{Levels: []LevelDefinition{{Name: "low"}, {Name: "high", From: 50}}, Default: "high"}
		teams := []string{"payments", "platform", "ledger", "edge"}
		for i := range n {
			one := Rule{ID: fmt.Sprintf("rule-%04d", i), Because: fmt.Sprintf("changes like number %d have failed before", i), Points: 1 + i%9}
			one.When = fmt.Sprintf(`service.name == "service-%03d" and change.lines_added > %d and requester.team != %q`, i%500, i%977, teams[i%4])
			if i%5 == 0 {
				one.For = fmt.Sprintf("service.tier <= %d", 1+i%3)
			}
			d.Rules = append(d.Rules, one)
		}
		rs, err := New(v, d)
		if err != nil {
			b.Fatal(err)
		}
		d = Definition{}
		all := heap()
		rs.set, rs.only = nil, nil
		index := heap()
		names, whens := len(rs.names), len(rs.whens)
		rest := len(rs.rules) * int(unsafe.Sizeof(packedRule{}))
		rs.packed = packed{}
		b.ReportMetric(float64(all-index)/n, "index-B/rule")
		b.ReportMetric(float64(names)/n, "names-B/rule")
		b.ReportMetric(float64(whens)/n, "conditions-B/rule")
		b.ReportMetric(float64(rest)/n, "records-B/rule")
		b.ReportMetric(float64(index-heap())/n, "packed-B/rule")
		runtime.KeepAlive(rs)
	}
}
