// Package bench holds the library against foreign programs: checkers and
// engines that no importer should have to link. It is a module of its own,
// outside of the workspace:
//
//	cd internal/bench && GOWORK=off go test ./...
//
// Its command compares the rules with expr, CEL, Cedar and OPA, over
// internal/workload, and prints a table:
//
//	cd internal/bench && GOWORK=off go run ./peers
package bench
