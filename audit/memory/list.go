package memory

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/changelane/changelane/audit"
)

// list names one list of a kind. Without a name it is that of all records of
// the kind, which stand there by id; without a kind it is that of all records,
// which stand there by kind.
type list struct{ kind, name string }

// standing is one record's place in a list.
type standing struct {
	sort string
	key  audit.Key
}

// order is a list in its order.
type order []standing

func (a standing) compare(b standing) int {
	return cmp.Or(cmp.Compare(a.sort, b.sort), cmp.Compare(a.key.ID, b.key.ID))
}

// after is where the first standing after a given one is.
func (o order) after(s standing) int {
	i, found := slices.BinarySearchFunc(o, s, standing.compare)
	if found {
		i++
	}
	return i
}

func (t *tenant) enlist(l list, sort string, k audit.Key) {
	s := standing{sort, k}
	i, found := slices.BinarySearchFunc(t.orders[l], s, standing.compare)
	if !found {
		t.orders[l] = slices.Insert(t.orders[l], i, s)
	}
}

func (t *tenant) delist(l list, sort string, k audit.Key) {
	i, found := slices.BinarySearchFunc(t.orders[l], standing{sort, k}, standing.compare)
	if found {
		t.orders[l] = slices.Delete(t.orders[l], i, i+1)
	}
}

// List is as [audit.Store] says.
func (s *Store) List(ctx context.Context, r audit.ListRequest) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		last := standing{sort: r.From} // before all that stand there, as no id is empty
		read := func(most int) (page []audit.Record, err error) {
			err = s.within(ctx, r.Tenant, r.Check, func(t *tenant) error {
				page, last = t.page(r, last, most)
				return nil
			})
			return page, err
		}
		paged(r.Limit, read, yield)
	}
}

// page reads on in a list from behind what was read last.
func (t *tenant) page(r audit.ListRequest, last standing, most int) ([]audit.Record, standing) {
	o := t.orders[list{r.Kind, r.List}]
	var page []audit.Record
	for _, next := range o[o.after(last):] {
		if len(page) == most || r.Before != "" && next.sort >= r.Before {
			break
		}
		page, last = append(page, copyRecord(t.present(next.key))), next
	}
	return page, last
}

// paged yields what read gives, page by page, until a page is not full or the
// limit is reached; 0 is none. Nothing is held while the caller works.
func paged[T any](limit int, read func(most int) ([]T, error), yield func(T, error) bool) {
	for given := 0; ; {
		most := audit.MaxPage
		if limit > 0 {
			most = min(most, limit-given)
		}
		page, err := read(most)
		if err != nil {
			var none T
			yield(none, err)
			return
		}
		for _, one := range page {
			if !yield(one, nil) {
				return
			}
		}
		given += len(page)
		if len(page) < most || given == limit {
			return
		}
	}
}
