# clients: judges of the API document, and generators of clients from it, whose clients then talk to the program.

clients_node=(typescript@5.9.3 openapi-typescript@7.13.0 openapi-fetch@0.17.0 @types/node@22.20.5 @redocly/cli@2.77.0
    @stoplight/spectral-cli@6.16.3)
clients_pins=(openapi-python-client==0.29.1)

clients_tells() { echo "the API document by Redocly and Spectral, and generated clients in TypeScript and Python"; }
clients_packages() {
    have node || printf 'nodejs '
    have npm || printf 'npm '
    python_packages
}
clients_node_install() {
    within 400 npm install --prefix "$1" --no-save --no-audit --no-fund --ignore-scripts --loglevel=error \
        --fetch-retries=1 "${clients_node[@]}"
}
clients_python_install() { pip_into "$1" "${clients_pins[@]}"; }

clients_start() {
    local node python
    [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || because "node is older than 20"
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || because "python3 is older than 3.10"
    node=$(cached "clients-node-redocly-2.77.0" clients_node_install) || exit 1
    python=$(cached "${clients_pins[0]/==/-}-$(python_version)" clients_python_install) || exit 1
    node "$node/node_modules/typescript/bin/tsc" --version || because "tsc does not run"
    "$python/bin/python" -m openapi_python_client --version || because "openapi-python-client does not run"
    offer "MULTAUTH_TEST_CLIENTS_NODE=$node" "MULTAUTH_TEST_CLIENTS_PYTHON=$python"
}
