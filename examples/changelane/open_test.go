package main

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// everyVerb are calls of all commands that use a store.
func everyVerb() map[string][]string {
	calls := map[string][]string{"checkpoint": {"checkpoint", "-store", "store.db"}, "verify": {"verify", "-store", "store.db"},
		"prove": {"prove", "-store", "store.db", "-id", "CHG-1"}, "tick": {"tick", "-policy", "policy", "-store", "store.db"},
		"case": {"case", "-policy", "policy", "-store", "store.db", "-id", "CHG-1"}, "queue": {"queue", "-policy", "policy", "-store", "store.db"}}
	for verb, more := range map[string][]string{
		"submit": {"-attested"}, "edit": {"-attested"}, "reconcile": nil,
		"vote": {"-id", "CHG-1", "-revision", "1", "-yes"}, "withdraw": {"-id", "CHG-1"}, "cancel": {"-id", "CHG-1", "-because", "a"},
		"gate": {"-id", "CHG-1", "-artifact", artifact}, "start": {"-id", "CHG-1", "-artifact", artifact, "-attempt", "a"},
		"report": {"-id", "CHG-1", "-attempt", "a", "-outcome", "failed"}, "validate": {"-id", "CHG-1", "-passed"},
		"review": {"-id", "CHG-1", "-findings", "a"}, "template": {"-id", "payments-rolling", "-to", "active", "-because", "a"},
	} {
		calls[verb] = as(verb, "idp|alice", more...)
	}
	return calls
}

// TestNoStore: only submit and template make a store, and no command turns a
// file of somebody else's into one, or touches it.
func TestNoStore(t *testing.T) {
	inShop(t)
	foreign := foreignFile(t)
	calls := everyVerb()
	for _, c := range commands {
		args, uses := calls[c.name]
		if uses != slices.Contains(c.needs, "store") {
			t.Errorf("%s is not tried", c.name)
		}
		if !uses {
			continue
		}
		input := fmt.Sprintf(request, 1)
		if c.name == "reconcile" {
			input = `{"id":"run-9","at":"` + at + `"}`
		}
		for what, text := range map[string]string{"foreign": foreign, "no database": strings.Repeat("words ", 999), "short": "a"} {
			putBack(t, text)
			refuses(t, exitUnreachable, "; expected the file of a store, which submit makes\n", input, args...)
			if got := readFile(t, "store.db"); got != text {
				t.Errorf("%s has changed a file (%s)", c.name, what)
			}
			beside(t, c.name)
		}
		if err := os.Remove("store.db"); err != nil {
			t.Fatal(err)
		}
		if c.name != "submit" && c.name != "template" {
			refuses(t, exitUnreachable, "store.db: ", input, args...)
			beside(t, c.name)
			if _, err := os.Stat("store.db"); err == nil {
				t.Errorf("%s has made a store", c.name)
			}
			continue
		}
		if _, stderr, status := tryIt(input, args...); status == exitUnreachable {
			t.Errorf("%s: status %d, %s", c.name, status, stderr)
		}
	}
}

// beside wants no files beside the store.
func beside(t *testing.T, verb string) {
	t.Helper()
	if left, err := filepath.Glob("store.db-*"); err != nil || left != nil {
		t.Errorf("%s has left %q, %v", verb, left, err)
	}
}

// TestForeignInUse: nor is a database that somebody else has just begun, all of
// which is in its write-ahead log.
func TestForeignInUse(t *testing.T) {
	inShop(t)
	db, err := sql.Open("sqlite", "file:used.db?_pragma=journal_mode(WAL)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("CREATE TABLE customers (name TEXT)"); err != nil {
		t.Fatal(err)
	}
	if !blank("used.db") {
		t.Error("the table is in the file already")
	}
	for _, args := range everyVerb() {
		args[slices.Index(args, "store.db")] = "used.db"
		refuses(t, exitUnreachable, "used.db: ", fmt.Sprintf(request, 1), args...)
	}
	var tables int
	if err := db.QueryRow("SELECT count(*) FROM sqlite_schema WHERE type = 'table'").Scan(&tables); err != nil || tables != 1 {
		t.Errorf("there are %d tables, %v", tables, err)
	}
}

// TestFirstSubmits: several may be the first to write to a store.
func TestFirstSubmits(t *testing.T) {
	inShop(t)
	const shells = 6
	for i := range shells {
		writeFile(t, fmt.Sprintf("%d.jsonl", i), fmt.Sprintf(request, i))
	}
	for round := range 3 {
		store := fmt.Sprintf("new-%d.db", round)
		got := atOnce(shells, func(i int) []string {
			return []string{"submit", "-policy", "policy", "-store", store, "-people", "people.json", "-as", "idp|alice", "-at", at, "-attested", fmt.Sprintf("%d.jsonl", i)}
		})
		if got[exitDone] != shells {
			t.Errorf("exit statuses %v, expected %d times 0", got, shells)
		}
	}
}

// foreignFile is a database that holds something else.
func foreignFile(t *testing.T) string {
	t.Helper()
	db, err := sql.Open("sqlite", "foreign.db")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("CREATE TABLE customers (name TEXT)"); err != nil {
		t.Fatal(err)
	}
	return readFile(t, "foreign.db")
}

// TestCopy: a copy can be read where no file can be made beside it, if
// somebody says that it is one.
func TestCopy(t *testing.T) {
	inShop(t)
	submitted(t, 1)
	if err := os.MkdirAll("shelf", 0o777); err != nil {
		t.Fatal(err)
	}
	writeFile(t, "shelf/store.db", readFile(t, "store.db"))
	if err := os.Chmod("shelf", 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod("shelf", 0o777) })
	for _, args := range [][]string{{"verify", "-key", "log.key.pub"}, {"checkpoint"}, {"prove", "-id", "CHG-1"}} {
		args = append(args, "-store", "shelf/store.db")
		must(t, "", append(args, "-copy")...)
		if os.Getuid() > 0 { // nothing is closed to root
			refuses(t, exitUnreachable, "-copy", "", args...)
		}
	}
}
