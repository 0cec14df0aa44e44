package approval

import (
	"embed"
	"io/fs"
)

//go:embed schemas/*.json
var schemaFiles embed.FS

// Schemas holds the JSON Schemas (draft 2020-12) of all that people write for
// this package and that programs read from it:
//
//	policy.schema.json          policy.yaml
//	services.schema.json        services.yaml
//	risk.schema.json            risk.yaml
//	catalogue.schema.json       catalogue.yaml
//	authority.schema.json       authority.yaml
//	calendar.schema.json        calendar.yaml
//	classification.schema.json  what [Classification.MarshalJSON] writes
//	case.schema.json            what [Case.MarshalJSON] writes
//	counterfactual.schema.json  what [Counterfactual.MarshalJSON] writes
//
// Those of the files are for editors. A YAML language server completes names,
// shows what they mean and marks faults while they are made, if the file begins
// with a line such as
//
//	# yaml-language-server: $schema=schemas/risk.schema.json
//
// They say what a schema can say about form. What [Load] refuses beyond that,
// such as a role that policy.yaml does not have or a condition that does not
// compile, they cannot see: Load decides. Here and there they ask for a plainer
// form than Load does; above all, a text that YAML reads as a number or as true
// or false, such as a team called 42, wants quotes.
//
// Within v1 members are only added: a file that is valid stays valid and keeps
// its meaning, and a line keeps all of its members and their order. So readers
// of lines ignore members that they do not know, and hold a line only against
// the schema of the version that wrote it, which is closed.
func Schemas() fs.FS {
	files, err := fs.Sub(schemaFiles, "schemas")
	if err != nil {
		panic(err) // only for a name that is not a path, and this one is
	}
	return files
}
