module example.org/own

go 1.22
toolchain go1.22.4

require golang.org/x/net v0.4.0
require (
	github.com/a/b v1.2.3 // indirect
	github.com/c/d v0.0.0-20210101000000-abcdefabcdef
)
replace github.com/a/b => github.com/fork/b v1.2.4
replace github.com/c/d => ../d
