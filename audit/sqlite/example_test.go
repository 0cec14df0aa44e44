package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/approval/desk/desktest"
	"github.com/changelane/changelane/audit/sqlstore"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// The desk records in a transaction of the host's own: its table and the
// request for change are written together, or neither is.
func Example_host() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	// A handle on which the record may be lost is refused: see sqlite.Check.
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "host.db")+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)"+
		"&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_txlock=immediate")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	ctx := context.Background()
	d, err := deskOn(ctx, db)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, id := range []string{"CHG-1", "no such id"} {
		err := order(ctx, db, d, id)
		var orders int
		_ = db.QueryRowContext(ctx, `SELECT count(*) FROM orders`).Scan(&orders)
		_, missing := d.Case(ctx, id)
		fmt.Printf("%s: written %t, orders %d, case %t\n", id, err == nil, orders, missing == nil)
	}
	// Output:
	// CHG-1: written true, orders 1, case true
	// no such id: written false, orders 1, case false
}

// order is what the host does anyway, and the request for change with it.
func order(ctx context.Context, db *sql.DB, d *desk.Desk, id string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, `INSERT INTO orders (id) VALUES (?)`, id); err != nil {
		return err
	}
	rfc := &change.Change{ID: id, Kind: change.Code, Service: "api", Requester: change.Person{ID: "idp|alice", Kind: change.Human}}
	if _, err := d.In(tx).Submit(ctx, "idp|alice", rfc); err != nil {
		return err // and nothing is written
	}
	return tx.Commit()
}

// deskOn is a desk over the database of the host.
func deskOn(ctx context.Context, db *sql.DB) (*desk.Desk, error) {
	if _, err := db.ExecContext(ctx, `CREATE TABLE orders (id TEXT)`); err != nil {
		return nil, err
	}
	store, err := sqlstore.Open(ctx, db, sqlstore.SQLite(), nil)
	if err != nil {
		return nil, err
	}
	policy, err := approval.New(approval.Definition{
		Name:   "small",
		Groups: []approval.Group{{Name: "cab", Size: 3}},
		Services: []change.Service{{Name: "api", Team: "api", OnCall: "pd/api",
			Models: []change.Assignment{{Model: change.YouBuildItYouRunIt(), From: change.Date{Year: 2026, Month: 1, Day: 1}}}}},
		Risk: risk.Definition{Levels: []risk.LevelDefinition{{Name: "low"}, {Name: "high", From: 10}}, Default: "high",
			Rules: []risk.Rule{{ID: "outage", Points: 10, When: "change.downtime", Because: "users will notice"}}},
		Authority: approval.Authority{Default: []approval.Need{{Group: "cab", Quorum: 2}}},
	})
	if err != nil {
		return nil, err
	}
	people := desktest.NewDirectory() // a host has one of its own
	people.Add("idp|alice")
	return desk.New(store, policy, people, &desk.Options{Now: desktest.NewClock().Now})
}
