// Command etcd is etcd: its own main package is these lines, in a module that cannot be installed as a dependency.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
