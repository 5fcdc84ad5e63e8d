// Package access owns the words of who may do what: API keys with their scopes, users with their roles, denied hosts and
// reports of abuse. It knows neither storage nor JSON nor clocks.
package access
