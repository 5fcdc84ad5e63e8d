// Command sqlpeer is a link shortener over PostgreSQL. It takes an address to listen on, the database, and the key.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"test/bench/peers/shop"
)

func main() {
	if err := run(context.Background(), os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// upWithin is how long the database may take to come up.
const upWithin = 30 * time.Second

func run(ctx context.Context, address, database, key string) error {
	pool, err := pgxpool.New(ctx, database)
	if err != nil {
		return err
	}
	defer pool.Close()
	deadline := time.After(upWithin)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := pool.Exec(ctx, `CREATE TABLE IF NOT EXISTS links (id bigserial PRIMARY KEY, target text NOT NULL, created timestamptz NOT NULL DEFAULT now())`)
		if err == nil {
			break
		}
		select {
		case <-tick.C:
		case <-deadline:
			return err
		}
	}
	return shop.Serve(address, key, &store{pool})
}

// store keeps links in one table; the code is the number, so that there is but one index.
type store struct{ pool *pgxpool.Pool }

// Create implements shop.Store with one statement, a transaction of its own.
func (s *store) Create(ctx context.Context, target string) (string, error) {
	var id int64
	err := s.pool.QueryRow(ctx, `INSERT INTO links (target) VALUES ($1) RETURNING id`, target).Scan(&id)
	return shop.Encode(uint64(id)), err
}

// Find implements shop.Store.
func (s *store) Find(ctx context.Context, code string) (string, error) {
	id, ok := shop.Decode(code)
	if !ok {
		return "", shop.ErrNotFound
	}
	var target string
	err := s.pool.QueryRow(ctx, `SELECT target FROM links WHERE id = $1`, int64(id)).Scan(&target)
	if errors.Is(err, pgx.ErrNoRows) {
		err = shop.ErrNotFound
	}
	return target, err
}
