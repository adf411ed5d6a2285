# standardwebhooks: the library that receivers of webhooks verify them with.

standardwebhooks_pins=(standardwebhooks==1.0.1)

standardwebhooks_tells() { echo "signatures of webhooks by the library of Standard Webhooks"; }
standardwebhooks_packages() { python_packages; }
standardwebhooks_install() { pip_into "$1" "${standardwebhooks_pins[@]}"; }

standardwebhooks_start() {
    local at
    at=$(cached "${standardwebhooks_pins[0]/==/-}-$(python_version)" standardwebhooks_install) || exit 1
    "$at/bin/python" -c 'import standardwebhooks' || because "it cannot be imported"
    offer "MULTAUTH_TEST_STANDARDWEBHOOKS=$at/bin/python"
}
