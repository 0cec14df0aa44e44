// Package bench holds the library against foreign programs: checkers and
// engines that no importer should have to link. It is a module of its own,
// outside of the workspace:
//
//	cd internal/bench && GOWORK=off go test ./...
package bench
