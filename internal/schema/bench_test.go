package schema

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// changeDocument is a request for change of ordinary size, about 1.5 KB.
const changeDocument = `{
  "version": 1,
  "key": "payments-api-2026-06-04-0017",
  "title": "Retry card authorisations on issuer timeouts",
  "summary": "Authorisations that time out at the issuer are retried once after 250 ms.\nThe retry is idempotent: the issuer sees the same reference.",
  "service": "payments-api",
  "kind": "code",
  "requester": {"id": "p-2217", "name": "Zoë Lindqvist", "team": "payments"},
  "claim": {"standard": true, "template": "payments-rolling", "because": "a rolling deployment without schema changes"},
  "lines_added": 212,
  "lines_deleted": 48,
  "coverage": 0.914,
  "downtime": false,
  "reversible": true,
  "rollback": {"plan": "redeploy the previous image", "minutes": 4, "tested": true},
  "window": {"from": "2026-06-04T09:00:00+01:00", "to": "2026-06-04T10:30:00+01:00"},
  "files": [
    {"path": "internal/authorise/retry.go", "added": 131, "deleted": 12},
    {"path": "internal/authorise/retry_test.go", "added": 64, "deleted": 20},
    {"path": "deploy/values.yaml", "added": 17, "deleted": 16}
  ],
  "evidence": {"smoke": "passed", "load": "passed", "scan": "passed", "run": "https://ci.example.com/runs/88121"},
  "artifact": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  "targets": ["prod/eu-west", "prod/eu-north"],
  "incident": null,
  "attributes": {"pci": true, "region": "eu", "customer-facing": true, "tags": ["cards", "resilience"]}
}
`

func BenchmarkParse(b *testing.B) {
	data := []byte(changeDocument)
	b.Run("strict", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Parse(data, DocumentLimits()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json-any", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			var v any
			if err := json.Unmarshal(data, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json-any-numbers", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			decoder := json.NewDecoder(bytes.NewReader(data))
			decoder.UseNumber()
			var v any
			if err := decoder.Decode(&v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkAppendCanonical(b *testing.B) {
	v := mustParse(b, changeDocument)
	b.ReportAllocs()
	var dst []byte
	for b.Loop() {
		dst = v.AppendCanonical(dst[:0])
	}
}

const attributeSchema = `{"type":"object","additionalProperties":false,"required":["pci","region"],"properties":{
"pci":{"type":"boolean"},"region":{"enum":["eu","us","apac"]},"customer-facing":{"type":"boolean"},
"tags":{"type":"array","maxItems":10,"uniqueItems":true,"items":{"type":"string","maxLength":30,"pattern":"^[a-z]+$"}}}}`

func BenchmarkValidate(b *testing.B) {
	s := mustCompile(b, attributeSchema)
	v := mustParse(b, changeDocument).Get("attributes")
	b.ReportAllocs()
	for b.Loop() {
		if problems := s.Validate(v); problems != nil {
			b.Fatal(shown(problems))
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	b.Run("attributes", func(b *testing.B) {
		for b.Loop() {
			mustCompile(b, attributeSchema)
		}
	})
	b.Run("most-schemas", func(b *testing.B) {
		source := `{"allOf":[` + strings.Repeat(`{"type":"null"},`, 998) + "true]}"
		for b.Loop() {
			mustCompile(b, source)
		}
	})
}
