# Writes a CycloneDX list of what went into the program, from NuGet's lock file: awk -f sbom.awk packages.lock.json
# Variables: version, platform, sha256 (the program's), time.

BEGIN {
    # What NuGet's lock file does not tell. The first three are compiled into the program; the others only built it.
    licence["System.CommandLine"] = licence["YamlDotNet"] = "MIT"
    licence["Polly.Core"] = "BSD-3-Clause"
}

# Packages are keys at this depth, before their "type" and "resolved".
/^      "[^"]+": \{$/ { split($0, part, "\""); name = part[2] }
/"resolved":/ && name != "" && !(name in resolved) {
    split($0, part, "\"")
    resolved[name] = part[4]
    names[++count] = name
}

function component(name, version, scope, licence) {
    printf "%s    {\n", separator
    printf "      \"type\": \"library\",\n      \"name\": \"%s\",\n      \"version\": \"%s\",\n", name, version
    printf "      \"scope\": \"%s\",\n", scope
    if (licence != "")
        printf "      \"licenses\": [{\"license\": {\"id\": \"%s\"}}],\n", licence
    printf "      \"purl\": \"pkg:nuget/%s@%s\"\n    }", name, version
    separator = ",\n"
}

END {
    printf "{\n  \"bomFormat\": \"CycloneDX\",\n  \"specVersion\": \"1.5\",\n  \"version\": 1,\n"
    printf "  \"metadata\": {\n    \"timestamp\": \"%s\",\n    \"component\": {\n", time
    printf "      \"type\": \"application\",\n      \"name\": \"run\",\n      \"version\": \"%s\",\n", version
    printf "      \"description\": \"for %s\",\n", platform
    printf "      \"licenses\": [{\"license\": {\"id\": \"MIT\"}}],\n"
    printf "      \"hashes\": [{\"alg\": \"SHA-256\", \"content\": \"%s\"}]\n    }\n  },\n  \"components\": [\n", sha256
    # The runtime comes with its compiler, and is compiled in.
    component("Microsoft.DotNet.ILCompiler", resolved["Microsoft.DotNet.ILCompiler"], "required", "MIT")
    for (i = 1; i <= count; i++)
        if (names[i] != "Microsoft.DotNet.ILCompiler")
            component(names[i], resolved[names[i]], names[i] in licence ? "required" : "excluded", licence[names[i]])
    printf "\n  ]\n}\n"
}
