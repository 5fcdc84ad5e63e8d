package server

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

// layer is one source of settings.
type layer struct {
	values *koanf.Koanf
	// origin words where a setting of this layer was given.
	origin func(name string) string
}

// Load reads the settings of a node: flags (made by Register, parsed) over environ over the --config file over the
// defaults, some of which machine answers. Every error is an ErrUsage and names the source that has to be mended.
func Load(flags *pflag.FlagSet, environ []string, machine Machine) (Settings, error) {
	layers, err := readLayers(flags, environ)
	if err != nil {
		return Settings{}, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	s := Settings{origins: make(map[string]string)}
	for _, o := range options() {
		value, origin, given, err := strongest(o, layers)
		switch {
		case err != nil:
			return Settings{}, fmt.Errorf("%w: %w", ErrUsage, err)
		case given:
			s.origins[o.name] = origin
		case o.fallback == "":
			continue
		default:
			value = o.fallback
		}
		if err := o.set(&s, value); err != nil {
			return Settings{}, fmt.Errorf("%w: %s: %w", ErrUsage, s.Origin(o.name), err)
		}
	}
	if err := s.complete(machine); err != nil {
		return Settings{}, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	return s, nil
}

// readLayers reads every source, the strongest first, and refuses names that are no settings.
func readLayers(flags *pflag.FlagSet, environ []string) ([]layer, error) {
	fromFlags, err := flagLayer(flags)
	if err != nil {
		return nil, err
	}
	fromEnv, err := envLayer(environ)
	if err != nil {
		return nil, err
	}
	layers := []layer{fromFlags, fromEnv}
	path := fromFlags.values.String(configName)
	if path == "" {
		path = fromEnv.values.String(configName)
	}
	if path != "" {
		fromFile, err := fileLayer(path)
		if err != nil {
			return nil, err
		}
		layers = append(layers, fromFile)
	}
	return layers, nil
}

// flagLayer holds the flags that were given; what the verb itself has beside the settings is left out.
func flagLayer(flags *pflag.FlagSet) (layer, error) {
	known := names()
	k := koanf.New(".")
	err := k.Load(posflag.ProviderWithFlag(flags, ".", nil, func(f *pflag.Flag) (string, any) {
		if !slices.Contains(known, f.Name) && f.Name != configName {
			return "", nil
		}
		return f.Name, posflag.FlagVal(flags, f)
	}), nil)
	if err != nil {
		return layer{}, fmt.Errorf("reading the command line: %w", err)
	}
	return layer{k, func(name string) string { return "--" + name }}, nil
}

// envLayer holds the TINYURL_ variables that are not empty. An empty one counts as not given, because that is what
// compose files and unit files make of a variable nobody set.
func envLayer(environ []string) (layer, error) {
	known := names()
	var unknown []string
	k := koanf.New(".")
	err := k.Load(env.Provider("", env.Opt{
		Prefix:      envPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(key, value string) (string, any) {
			name := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(key, envPrefix), "_", "-"))
			switch {
			case slices.Contains([]string{"server", "key", "key-file"}, name) || value == "":
				return "", nil
			case variable(name) != key || !slices.Contains(known, name) && name != configName:
				unknown = append(unknown, key)
				return "", nil
			}
			return name, value
		},
	}), nil)
	if err != nil {
		return layer{}, fmt.Errorf("reading the environment: %w", err)
	}
	if len(unknown) > 0 {
		return layer{}, fmt.Errorf("no setting belongs to the environment variable %s", strings.Join(unknown, ", "))
	}
	return layer{k, variable}, nil
}

// fileLayer reads the YAML file.
func fileLayer(path string) (layer, error) {
	k := koanf.New("\x00") // no key of ours is nested, so a dot in a key is only part of an unknown one
	if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
		return layer{}, fmt.Errorf("reading --config: %s: %w", path, err)
	}
	known := names()
	var unknown []string
	for key := range k.Raw() {
		if !slices.Contains(known, key) {
			unknown = append(unknown, key)
		}
	}
	if len(unknown) > 0 {
		sort.Strings(unknown)
		return layer{}, fmt.Errorf("%s: no such setting: %s", path, strings.Join(unknown, ", "))
	}
	return layer{k, func(name string) string { return name + " in " + filepath.Base(path) }}, nil
}

// names lists every key a source may hold, --config aside.
func names() []string {
	var all []string
	for _, o := range options() {
		all = append(all, o.name)
		if o.kind == secret {
			all = append(all, o.name+fileSuffix)
		}
	}
	return all
}

// strongest returns the text form of an option from the first layer that has it.
func strongest(o option, layers []layer) (value, origin string, given bool, err error) {
	for _, l := range layers {
		inFile := o.kind == secret && has(l, o.name+fileSuffix)
		switch {
		case has(l, o.name) && inFile:
			return "", "", false, fmt.Errorf("%s and %s exclude each other", l.origin(o.name), l.origin(o.name+fileSuffix))
		case inFile:
			origin = l.origin(o.name + fileSuffix)
			value, err = readSecretFile(l.values.String(o.name + fileSuffix))
		case has(l, o.name):
			origin = l.origin(o.name)
			value, err = o.textOf(l.values.Get(o.name))
		default:
			continue
		}
		if err != nil {
			return "", "", false, fmt.Errorf("%s: %w", origin, err)
		}
		return value, origin, true, nil
	}
	return "", "", false, nil
}

// has reports whether the layer gives the key a value; a YAML null is none.
func has(l layer, key string) bool {
	return l.values.Exists(key) && l.values.Get(key) != nil
}

// textOf brings what a source holds into the form that the option parses. A secret has to be a text: as a number it would
// be another one than the file shows.
func (o option) textOf(v any) (string, error) {
	if _, ok := v.(string); !ok && o.kind == secret {
		return "", fmt.Errorf("it is %s, not a text: put it in quotes", typeOf(v))
	}
	return textOf(v)
}

// textOf brings a value of a source into the form that options parse.
func textOf(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool, int, int64, uint64:
		return fmt.Sprint(v), nil
	case []string:
		return strings.Join(v, ","), nil
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			part, err := textOf(item)
			if err != nil {
				return "", err
			}
			parts[i] = part
		}
		return strings.Join(parts, ","), nil
	}
	// The value itself stays out of the message: a secret may have got into the wrong place.
	return "", fmt.Errorf("it is %s, not a text, a whole number, true, false or a list of them", typeOf(v))
}

// typeOf words the type of a YAML value.
func typeOf(v any) string {
	switch v.(type) {
	case bool:
		return "true or false"
	case int, int64, uint64:
		return "a number"
	case float64:
		return "a number with a fraction, or a very long one"
	case []any:
		return "a list"
	case map[string]any, map[any]any:
		return "a mapping"
	case time.Time:
		return "a time"
	}
	return "of another type"
}

// readSecretFile returns the secret in a file, without the newline editors put at its end.
func readSecretFile(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	value := strings.TrimRight(string(b), "\r\n")
	if value == "" {
		return "", errors.New(path + " is empty")
	}
	return value, nil
}
