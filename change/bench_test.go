package change

import (
	"encoding/json"
	"testing"
)

// benchmarkDocument is a request for change of ordinary size, about 1.5 KB.
const benchmarkDocument = `{
  "id": "CHG-2026-0017",
  "title": "Retry card authorisations on issuer timeouts",
  "reason": "Authorisations that time out at the issuer are retried once after 250 ms: fewer declined cards at the till.",
  "kind": "code",
  "service": "payments-api",
  "requester": {"id": "idp|2217", "kind": "human", "team": "payments"},
  "contributors": [{"id": "idp|1904", "as": "author"}, {"id": "idp|88", "as": "pair"}],
  "targets": [{"name": "prod/eu-west", "environment": "prod", "region": "eu-west"}, {"name": "prod/eu-north"}],
  "artifacts": [{"name": "payments-api", "digest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}],
  "files": [
    {"path": "internal/authorise/retry.go", "added": 131, "deleted": 12},
    {"path": "internal/authorise/retry_test.go", "added": 64, "deleted": 20},
    {"path": "deploy/values.yaml", "added": 17, "deleted": 16}
  ],
  "evidence": [{"name": "smoke", "result": "passed", "by": "ci/payments", "at": "2026-06-04T08:55:00Z", "ref": "https://ci.example.com/runs/88121"}],
  "backout": {"plan": "redeploy the previous image"},
  "window": {"start": "2026-06-04T09:00:00+01:00", "end": "2026-06-04T10:30:00+01:00"},
  "downtime": false,
  "claim": {"type": "standard", "template": "payments-rolling", "by": "idp|2217", "reason": "a rolling deployment without schema changes"},
  "history": {"service_changes_30d": 21, "service_failure_rate": 0.02, "hours_since_failure": 412.5},
  "attributes": {"pci": true, "customers": 12, "tags": ["cards", "resilience"]}
}
`

func BenchmarkDecode(b *testing.B) {
	data := []byte(benchmarkDocument)
	run := func(name string, once func() error) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if err := once(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("decode", func() error { _, err := Decode(data, nil); return err })
	run("encoding-json-any", func() error { var v any; return json.Unmarshal(data, &v) })
	run("encoding-json-change", func() error { var c Change; return json.Unmarshal(data, &c) })
}

func BenchmarkDecodeRefused(b *testing.B) {
	data := []byte(benchmarkDocument[:len(benchmarkDocument)-3] + `, "titel": 1}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(data, nil); err == nil {
			b.Fatal("accepted")
		}
	}
}

func BenchmarkDigest(b *testing.B) {
	c, err := Decode([]byte(benchmarkDocument), nil)
	if err != nil {
		b.Fatal(err)
	}
	canonical, _ := c.Canonical()
	run := func(name string, once func() error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := once(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("digest", func() error { _, err := c.Digest(); return err })
	run("validate", c.Validate)
	run("encoding-json-marshal", func() error { _, err := json.Marshal(c); return err })
	run("sha256-alone", func() error { DigestOf("changelane/change/v1", canonical); return nil })
}
