# moto: SNS and SES as AWS answers them, with signatures and permissions checked.

aws_pins=(moto==5.2.5 flask==3.1.3 flask-cors==6.0.5 boto3==1.44.5)

aws_tells() { echo "messages through AWS (SNS, SES)"; }
aws_packages() { python_packages; }
aws_install() { pip_into "$1" "${aws_pins[@]}"; }

aws_start() {
    local at
    at=$(cached "${aws_pins[0]/==/-}-$(python_version)" aws_install) || exit 1
    serve "$at/bin/python" "$beds_folder/aws.py"
}
