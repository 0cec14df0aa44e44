module github.com/changelane/changelane/internal/bench

go 1.26.0

require (
	github.com/anishathalye/porcupine v1.3.1
	github.com/changelane/changelane v0.0.0
)

require (
	github.com/expr-lang/expr v1.17.8 // indirect
	github.com/santhosh-tekuri/jsonschema/v5 v5.3.1 // indirect
	go.yaml.in/yaml/v4 v4.0.0 // indirect
	golang.org/x/mod v0.42.0 // indirect
)

replace github.com/changelane/changelane => ../..
