"""Who is in a photo: faces, their points and pose, people cut out, pre-flight, likeness.

Import from the modules; this one stays empty so that nobody loads OpenCV who does not use it.

    find        a photo                      → `People`: faces and, when asked, the cut-out
    face        what is known of one face, in pixels
    matting     people cut out, hair included
    preflight   a photo                      → is it good enough, and one sentence of what to do
    likeness    a photo and its results      → how alike the faces are, ranked
    model_files which networks there are, where their files lie and how they come
    worker      the process that all of it runs in

With the model files three networks do the finding and the cutting (detector, mesh, segmentation). Without them
OpenCV's cascades and a minimum cut do: the floor, slower and blinder, and `likeness doctor` says which one is in use.
"""
