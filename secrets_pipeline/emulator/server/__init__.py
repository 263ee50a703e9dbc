"""The server: who is let in, and how a request is answered."""

import botocore

from secrets_pipeline.aws.loader import share_loader

# moto makes sessions as it is imported, each of which would read AWS's models anew.
botocore.register_initializer(share_loader)
