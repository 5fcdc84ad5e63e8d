// Package shop is a link shortener over a database: two handlers of the shape that the product's have, in the same framework,
// with a check of a key, of the URL and of what a code may be. It is what somebody would write who keeps links in a database.
package shop

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"
)

// ErrNotFound says that nobody made a code.
var ErrNotFound = errors.New("not found")

// CodeLength is how long codes are.
const CodeLength = 7

// Store keeps links.
type Store interface {
	// Create keeps a target durably under a new code.
	Create(ctx context.Context, target string) (code string, err error)
	// Find gives the target of a code, or ErrNotFound.
	Find(ctx context.Context, code string) (target string, err error)
}

// link is the answer to a create.
type link struct {
	ShortCode string    `json:"shortCode"`
	ShortURL  string    `json:"shortUrl"`
	LongURL   string    `json:"longUrl"`
	CreatedAt time.Time `json:"createdAt"`
	Version   int       `json:"version"`
}

// callWithin bounds a call of the store.
const callWithin = 5 * time.Second

// Handler serves a store; creates need the key.
func Handler(store Store, base, key string) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.GET("/healthz", func(c *gin.Context) { c.Status(http.StatusOK) })
	router.GET("/:code", func(c *gin.Context) { redirect(c, store) })
	router.POST("/api/v1/links", func(c *gin.Context) { create(c, store, base, []byte("Bearer "+key)) })
	return router
}

func redirect(c *gin.Context, store Store) {
	code := c.Param("code")
	if len(code) != CodeLength {
		c.AbortWithStatus(http.StatusNotFound)
		return
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), callWithin)
	defer cancel()
	target, err := store.Find(ctx, code)
	switch {
	case errors.Is(err, ErrNotFound):
		c.AbortWithStatus(http.StatusNotFound)
	case err != nil:
		c.AbortWithStatusJSON(http.StatusServiceUnavailable, gin.H{"detail": err.Error()})
	default:
		c.Header("Cache-Control", "private, no-store")
		c.Header("Location", target)
		c.Status(http.StatusFound)
	}
}

func create(c *gin.Context, store Store, base string, key []byte) {
	if subtle.ConstantTimeCompare([]byte(c.GetHeader("Authorization")), key) != 1 {
		c.AbortWithStatus(http.StatusUnauthorized)
		return
	}
	var asked struct {
		LongURL string `json:"longUrl"`
	}
	if err := c.ShouldBindJSON(&asked); err != nil {
		c.AbortWithStatusJSON(http.StatusUnprocessableEntity, gin.H{"detail": err.Error()})
		return
	}
	if u, err := url.Parse(asked.LongURL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		c.AbortWithStatus(http.StatusUnprocessableEntity)
		return
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), callWithin)
	defer cancel()
	code, err := store.Create(ctx, asked.LongURL)
	if err != nil {
		c.AbortWithStatusJSON(http.StatusServiceUnavailable, gin.H{"detail": err.Error()})
		return
	}
	c.Header("Location", "/api/v1/links/"+code)
	c.JSON(http.StatusCreated, link{code, base + "/" + code, asked.LongURL, time.Now().UTC(), 1})
}

// Serve serves until it fails.
func Serve(address, key string, store Store) error {
	server := http.Server{Addr: address, Handler: Handler(store, "http://"+address, key), ReadHeaderTimeout: 5 * time.Second}
	return server.ListenAndServe()
}

// letters are those of codes, in order.
const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// Encode writes a number as a code.
func Encode(n uint64) string {
	var code [CodeLength]byte
	for i := CodeLength - 1; i >= 0; i-- {
		code[i] = letters[n%62]
		n /= 62
	}
	return string(code[:])
}

// Decode reads a number from a code; false for what is none.
func Decode(code string) (n uint64, ok bool) {
	for _, r := range []byte(code) {
		n *= 62
		switch {
		case r >= '0' && r <= '9':
			n += uint64(r - '0')
		case r >= 'A' && r <= 'Z':
			n += uint64(r-'A') + 10
		case r >= 'a' && r <= 'z':
			n += uint64(r-'a') + 36
		default:
			return 0, false
		}
	}
	return n, true
}
