// Command redispeer is a link shortener over Redis. It takes an address to listen on, the database, and the key.
package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"

	"github.com/redis/go-redis/v9"

	"test/bench/peers/shop"
)

func main() {
	options, err := redis.ParseURL(os.Args[2])
	if err == nil {
		err = shop.Serve(os.Args[1], os.Args[3], &store{redis.NewClient(options)})
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// store keeps a link under its code.
type store struct{ client *redis.Client }

// codes is how many there are: 62 to the seventh.
const codes = 62 * 62 * 62 * 62 * 62 * 62 * 62

// Create implements shop.Store with one command, again where a code by chance is taken.
func (s *store) Create(ctx context.Context, target string) (string, error) {
	for {
		code := shop.Encode(rand.Uint64N(codes))
		made, err := s.client.SetNX(ctx, code, target, 0).Result()
		if made || err != nil {
			return code, err
		}
	}
}

// Find implements shop.Store.
func (s *store) Find(ctx context.Context, code string) (string, error) {
	target, err := s.client.Get(ctx, code).Result()
	if errors.Is(err, redis.Nil) {
		err = shop.ErrNotFound
	}
	return target, err
}
