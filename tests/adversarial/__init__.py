"""What somebody would try who means harm, or who never thought of it: the numbered cases of permission."""
