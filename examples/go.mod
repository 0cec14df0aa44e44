module github.com/changelane/changelane/examples

go 1.26.0

require (
	github.com/changelane/changelane v0.0.0
	golang.org/x/exp v0.0.0-20261014143641-f0251eb4aa3e
)

require (
	github.com/expr-lang/expr v1.17.8 // indirect
	github.com/santhosh-tekuri/jsonschema/v5 v5.3.1 // indirect
	go.yaml.in/yaml/v4 v4.0.0 // indirect
)

replace github.com/changelane/changelane => ../
